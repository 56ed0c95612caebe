import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { recordedHealth } from '../../../test/fixtures/recorded/etcd-health.ts';
import { nodeViews } from '../../../test/support/example-deps.ts';
import { virtualClock } from '../../../test/support/virtual-clock.ts';
import { Refused } from '../../chain/outcome.ts';
import type { Context } from '../../chain/phase.ts';
import type { Step } from '../../chain/step.ts';
import { createWaiter } from '../../chain/wait.ts';
import type { PodFact } from '../../cluster/cluster.ts';
import { examplePod } from '../../cluster/example-pod.ts';
import type { Deps } from '../../deps.ts';
import { NightliftError } from '../../errors.ts';
import { exampleNode } from '../../facts/example-facts.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import type { CommandResult, NodeAddress } from '../../node/node-shell.ts';
import type { NodeScript } from '../../node/scripts.ts';
import { Settings } from '../../settings/settings.ts';
import { controlPlanesHealthy } from './control-planes-healthy.ts';

const THREE = ['cp1', 'cp2', 'cp3'].map((name, index) => exampleNode(name, { internalIp: `192.0.2.${11 + index}` }));
const MASTER: Step = { phase: 'master', node: 'cp1' };
const READY_SECONDS = 900;

function etcdSays(
  state: string,
  apiServers: Readonly<Record<string, string>> = { cp1: '200', cp2: '200', cp3: '200' },
) {
  const { stdout, stderr } = recordedHealth('3.6.8', state);
  const lines = Object.entries(apiServers).map(([name, code]) => `nightlift-api-server\t${name}\t${code}\n`);
  return { exitCode: 0, stdout: `${stdout}${lines.join('')}`, stderr };
}

type Answer = CommandResult | Error;

/** Control planes whose pods are ready, and what the script on one of them says: the last answer again and again. */
function scene(options: {
  nodes?: readonly NodeFact[];
  answers: readonly Answer[];
  step?: Step;
  etcdPods?: boolean;
  change?: (pod: PodFact) => PodFact;
}) {
  const { nodes = THREE, answers, step = MASTER, etcdPods = true, change = (pod: PodFact) => pod } = options;
  const clock = virtualClock(Date.parse('2026-11-21T23:00:00Z'));
  const seen = { asked: [] as string[], lines: [] as string[], missing: [] as unknown[], where: [] as unknown[] };
  const log = {
    info(line: string, fields: { missing?: string } = {}) {
      seen.lines.push(line);
      if (fields.missing !== undefined) seen.missing.push(fields.missing);
    },
  };
  const pods = nodes.flatMap(({ name }) =>
    ['etcd', 'kube-apiserver']
      .filter((component) => etcdPods || component !== 'etcd')
      .map((component) =>
        examplePod(`${component}-${name}`, {
          node: name,
          labels: { component },
          apiServerAddress: component === 'kube-apiserver' && name === 'cp3' ? '198.51.100.3:7443' : null,
        }),
      )
      .map(change),
  );
  const deps = {
    settings: Settings.parse({}),
    clock,
    log,
    templates: {
      node: (name: string) => readFileSync(new URL(`../../../templates/node/${name}.sh`, import.meta.url), 'utf8'),
    },
    cluster: {
      ...nodeViews(async () => nodes),
      pods: async (where: unknown) => {
        seen.where.push(where);
        return pods;
      },
    },
    shell: {
      async run({ name }: NodeAddress, script: NodeScript) {
        const answer = answers[Math.min(seen.asked.length, answers.length - 1)];
        seen.asked.push(`${name}: ${/^API_SERVERS=(.*)$/m.exec(script.text)?.[1] ?? ''}`);
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
  } as unknown as Deps;
  const signal = new AbortController().signal;
  const waiter = createWaiter({ clock, log: log as never, pollSeconds: 5, signal, mayGoOn: () => Promise.resolve() });
  const context = { deps, step, target: '1.36.4', signal, waiter } as unknown as Context;
  return { seen, seconds: () => clock.passed() / 1000, run: () => controlPlanesHealthy.run(context) };
}

async function reasonsOf(running: Promise<void>): Promise<readonly string[]> {
  const error = await running.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Refused);
  return (error as Refused).findings.map(({ reason, message }) => `${reason}: ${message}`);
}

describe('control-planes-healthy', () => {
  it('D21 asks everything in one script, on another control plane, of every API server but the one that goes', async () => {
    const { run, seen, seconds } = scene({ answers: [etcdSays('well')] });
    await run();
    expect(seen.asked).toEqual(["cp2: 'cp2=192.0.2.12:6443 cp3=198.51.100.3:7443'"]);
    expect(seconds()).toBe(0);
    expect(seen.where).toEqual([{ namespace: 'kube-system', labels: 'tier=control-plane' }]);
  });

  it('asks a single control plane for itself, and all of them before the first change', async () => {
    const single = scene({ nodes: THREE.slice(0, 1), answers: [etcdSays('single')] });
    await single.run();
    expect(single.seen.asked).toEqual(["cp1: ''"]);
    const before = scene({ answers: [etcdSays('well')], step: { phase: 'preflight' } });
    await before.run();
    expect(before.seen.asked).toEqual(["cp1: 'cp1=192.0.2.11:6443 cp2=192.0.2.12:6443 cp3=198.51.100.3:7443'"]);
  });

  it.each([
    ['a member is down', etcdSays('member-down')],
    ['there is no quorum', etcdSays('no-quorum')],
    ['an API server is not ready', etcdSays('well', { cp2: '500', cp3: '200' })],
    ['etcd does not run on the node', { exitCode: 61, stdout: '', stderr: 'nightlift: failed: no etcd runs here\n' }],
    ['a node is away', new NightliftError('network', 'connecting to cp2: it reset the connection')],
  ])('waits while %s, and goes on when that has passed', async (_, answer) => {
    const { run, seen, seconds } = scene({ answers: [answer, answer, etcdSays('well')] });
    await run();
    expect(seconds()).toBe(10);
    expect(seen.asked).toHaveLength(3);
  });

  it.each([
    ['member-down', ['EtcdUnhealthy: etcd member cp3 does not answer: ']],
    ['learner', ['EtcdUnhealthy: etcd member cp4 is a learner']],
    ['no-quorum', ['EtcdUnhealthy: asking etcd and the API servers on cp2: asking etcd for "member list": context']],
  ])('D21 refuses, and says why, when it stays so: %s', async (state, expected) => {
    const { run, seconds } = scene({ answers: [etcdSays(state)] });
    const found = await reasonsOf(run());
    expect(found).toHaveLength(expected.length);
    for (const [index, start] of expected.entries()) expect(found[index]).toContain(start);
    expect(seconds()).toBe(READY_SECONDS);
  });

  it('refuses when an API server does not say that it is ready', async () => {
    const { run, seen } = scene({ answers: [etcdSays('well', { cp2: '000' })] });
    const silent = (node: string, address: string): string => `the API server of ${node} does not answer at ${address}`;
    const missing = [silent('cp2', '192.0.2.12:6443'), silent('cp3', '198.51.100.3:7443')];
    const found = await reasonsOf(run());
    expect(seen.missing).toEqual([missing.join('; ')]);
    expect(found).toEqual([
      'ControlPlaneUnhealthy: the API server of cp2 does not answer at 192.0.2.12:6443',
      'ControlPlaneUnhealthy: the API server of cp3 does not answer at 198.51.100.3:7443',
    ]);
  });

  it('leaves a node that stays away to the next try', async () => {
    const { run } = scene({ answers: [new NightliftError('network', 'connecting to cp2: it did not answer')] });
    await expect(run()).rejects.toMatchObject({ kind: 'network', message: 'connecting to cp2: it did not answer' });
  });

  it('tells while it waits why a node cannot be asked', async () => {
    const away = new NightliftError('network', 'connecting to cp2: it did not answer');
    const { run, seen } = scene({ answers: [away, etcdSays('well')] });
    await run();
    expect(seen.missing).toEqual(['connecting to cp2: it did not answer']);
  });

  it('advises what to do about an etcd that cannot be read', async () => {
    const error = await scene({ answers: [etcdSays('no-quorum')] })
      .run()
      .catch((reason: unknown) => reason);
    expect((error as Refused).findings[0]?.remedy).toMatch(/^See whether etcd runs/);
  });

  it('does not believe in an external etcd while one control plane has a pod of it', async () => {
    const stdout = 'nightlift-etcd-external\tx\nnightlift-api-server\tcp2\t200\nnightlift-api-server\tcp3\t200\n';
    const { run } = scene({
      answers: [{ exitCode: 0, stdout, stderr: '' }],
      change: (pod) => (pod.node === 'cp3' ? pod : { ...pod, labels: {} }),
    });
    expect(await reasonsOf(run())).toEqual([expect.stringMatching(/on cp3: it has no manifest of etcd/)]);
  });

  it('stops at once where only a person can help', async () => {
    const { run, seconds } = scene({ answers: [new NightliftError('node', 'becoming root on cp2')] });
    await expect(run()).rejects.toThrow('becoming root');
    expect(seconds()).toBe(0);
  });

  it('asks no node while the API shows that a control plane is not well', async () => {
    const nodes = THREE.map((node) => (node.name === 'cp3' ? { ...node, ready: 'no' as const } : node));
    const { run, seen } = scene({ nodes, answers: [etcdSays('well')] });
    expect(await reasonsOf(run())).toEqual(['ControlPlaneUnhealthy: cp3 is not Ready']);
    expect(seen.asked).toEqual([]);
  });

  it.each(['master', 'preflight'] as const)(
    'I04 goes on with the node whose upgrade had begun, whatever its own etcd says: %s',
    async (phase) => {
      const answers = [etcdSays('member-down')];
      const running = (name: string): Promise<void> => {
        const nodes = THREE.map((node) => (node.name === name ? { ...node, unfinished: '1.36.4' } : node));
        return scene({ nodes, answers, step: phase === 'master' ? { phase, node: name } : { phase } }).run();
      };
      await running('cp3');
      expect(await reasonsOf(running('cp2'))).toHaveLength(1);
    },
  );

  it('says that etcd is external, and does not believe it while there are pods of etcd', async () => {
    const answer = {
      exitCode: 0,
      stdout: 'nightlift-etcd-external\tx\nnightlift-api-server\tcp2\t200\nnightlift-api-server\tcp3\t401\n',
      stderr: '',
    };
    const external = scene({ answers: [answer], etcdPods: false });
    await external.run();
    expect(external.seen.lines).toEqual(['etcd is not asked: the control planes have none of their own']);
    expect(await reasonsOf(scene({ answers: [answer] }).run())).toEqual([
      expect.stringMatching(/^EtcdUnhealthy: .*no manifest of etcd/),
    ]);
  });

  it('refuses with findings that a person can act on', async () => {
    const error = await scene({ answers: [etcdSays('well', { cp2: '000', cp3: '200' })] })
      .run()
      .catch((reason: unknown) => reason);
    expect((error as Refused).findings).toEqual([
      {
        check: 'control-planes-healthy',
        reason: 'ControlPlaneUnhealthy',
        class: 'actionable',
        severity: 'block',
        message: 'the API server of cp2 does not answer at 192.0.2.12:6443',
        remedy: expect.stringContaining('curl') as string,
      },
    ]);
  });

  const versions = (...apiServers: (string | null)[]): NodeFact[] =>
    THREE.map((node, index) => ({ ...node, apiServer: apiServers[index] ?? null }));

  it.each([
    ['one minor apart', versions('1.36.4', '1.35.9', '1.36.4'), []],
    ['in part not to be seen', versions('1.36.4', null, null), []],
    [
      'two minors apart',
      versions('1.36.4', '1.34.9', '1.35.0'),
      ['ControlPlaneUnhealthy: API servers are more than one minor apart'],
    ],
    [
      'two minors apart, the own one among them',
      versions('1.34.9', '1.36.0', '1.36.0'),
      ['ControlPlaneUnhealthy: API servers are more than one minor apart'],
    ],
  ])('goes on or refuses with API servers that are %s', async (_title, nodes, expected) => {
    const { run } = scene({ nodes, answers: [etcdSays('well')] });
    if (expected.length === 0) await run();
    else expect(await reasonsOf(run())).toEqual(expected);
  });

  it.each([
    ['its own', 'cp1', []],
    [
      "another's",
      'cp3',
      ['ControlPlaneUnhealthy: etcd-cp3 is not ready', 'ControlPlaneUnhealthy: kube-apiserver-cp3 is not ready'],
    ],
  ])('does not mind pods that are not ready, when they are %s', async (_title, name, expected) => {
    const { run } = scene({
      answers: [etcdSays('well')],
      change: (pod) => (pod.node === name ? { ...pod, ready: false } : pod),
    });
    if (expected.length === 0) await run();
    else expect(await reasonsOf(run())).toEqual(expected);
  });

  it('names every control plane that is not well, by the API', async () => {
    const nodes = THREE.map((node) => ({ ...node, ready: 'unknown' as const }));
    expect(await reasonsOf(scene({ nodes, answers: [etcdSays('well')] }).run())).toEqual([
      'ControlPlaneUnhealthy: cp2 is not Ready',
      'ControlPlaneUnhealthy: cp3 is not Ready',
    ]);
  });

  it('is content with its own node when that is not Ready: it is the one that goes', async () => {
    const nodes = THREE.map((node) => (node.name === 'cp1' ? { ...node, ready: 'no' as const } : node));
    const { run, seen } = scene({ nodes, answers: [etcdSays('well')] });
    await run();
    expect(seen.asked).toHaveLength(1);
  });

  it.each([
    ['etcd runs only there', (pod: PodFact) => pod.node === 'cp3' || pod.labels['component'] !== 'etcd', 'cp3'],
    [
      'etcd runs only on the one that goes',
      (pod: PodFact) => pod.node === 'cp1' || pod.labels['component'] !== 'etcd',
      'cp1',
    ],
    ['no etcd is to be seen', (pod: PodFact) => pod.labels['component'] !== 'etcd', 'cp2'],
  ])('asks on the control plane that it has to be when %s', async (_title, stays, asker) => {
    const { run, seen } = scene({
      answers: [etcdSays('well')],
      change: (pod) => (stays(pod) ? pod : { ...pod, labels: {} }),
    });
    await run();
    expect(seen.asked.map((text) => text.split(':')[0])).toEqual([asker]);
  });

  it('asks nobody in a cluster whose control planes cannot be seen', async () => {
    const { run, seen } = scene({ nodes: [], answers: [etcdSays('well')] });
    await run();
    expect(seen.asked).toEqual([]);
  });

  it.each([
    ['api.example.com:6443', 'api.example.com:6443'],
    ['[fd00::3]:6443', '[fd00::3]:6443'],
    ['[FD00::3]:6443', '[FD00::3]:6443'],
    ['fd00::3:6443', '192.0.2.13:6443'],
    ['192.0.2.99', '192.0.2.13:6443'],
    ['192.0.2.99:6443 x=y:1', '192.0.2.13:6443'],
    ['x 192.0.2.99:6443', '192.0.2.13:6443'],
    ['192.0.2.99:port', '192.0.2.13:6443'],
    ['[]:1', '192.0.2.13:6443'],
    ['', '192.0.2.13:6443'],
  ])(
    'asks the API server where kubeadm has written that it is, unless that is no address: %j',
    async (written, address) => {
      const { run, seen } = scene({
        answers: [etcdSays('well')],
        change: (pod) => (pod.name === 'kube-apiserver-cp3' ? { ...pod, apiServerAddress: written } : pod),
      });
      await run();
      expect(seen.asked).toEqual([`cp2: 'cp2=192.0.2.12:6443 cp3=${address}'`]);
    },
  );

  it('asks the API server of a node of IPv6 with brackets', async () => {
    const nodes = THREE.map((node) => (node.name === 'cp2' ? { ...node, internalIp: 'fd00::2' } : node));
    const { run, seen } = scene({ nodes, answers: [etcdSays('well')] });
    await run();
    expect(seen.asked).toEqual(["cp2: 'cp2=[fd00::2]:6443 cp3=198.51.100.3:7443'"]);
  });

  it('leaves an answer that broke off to the next look, then to the next try', async () => {
    const broken = { exitCode: null, stdout: '', stderr: '' };
    const passing = scene({ answers: [broken, etcdSays('well')] });
    await passing.run();
    expect(passing.seconds()).toBe(5);
    await expect(scene({ answers: [broken] }).run()).rejects.toMatchObject({
      kind: 'network',
      message: expect.stringMatching(/^asking etcd and the API servers on cp2: the connection ended before/) as string,
    });
  });

  it('says what the script says when it fails', async () => {
    const answer = { exitCode: 61, stdout: 'nightlift: failed: no etcd runs here', stderr: '' };
    expect(await reasonsOf(scene({ answers: [answer] }).run())).toEqual([
      'EtcdUnhealthy: asking etcd and the API servers on cp2: no etcd runs here',
    ]);
  });

  it('says only what the last look has seen', async () => {
    const away = new NightliftError('network', 'connecting to cp2: it reset the connection');
    const looks = READY_SECONDS / 5;
    const left = scene({ answers: [...Array.from({ length: looks }, () => away), etcdSays('member-down')] });
    expect(await reasonsOf(left.run())).toHaveLength(1);
    const gone = scene({ answers: [...Array.from({ length: looks }, () => etcdSays('member-down')), away] });
    await expect(gone.run()).rejects.toBe(away);
  });

  it('leaves an unfinished control plane to this run before the first change, and later to its own step', async () => {
    const nodes = THREE.map((node) =>
      node.name === 'cp3' ? { ...node, ready: 'no' as const, unfinished: '1.36.4' } : node,
    );
    await scene({ nodes, answers: [etcdSays('well')], step: { phase: 'preflight' } }).run();
    expect(await reasonsOf(scene({ nodes, answers: [etcdSays('well')] }).run())).toEqual([
      'ControlPlaneUnhealthy: cp3 is not Ready',
    ]);
  });
});
