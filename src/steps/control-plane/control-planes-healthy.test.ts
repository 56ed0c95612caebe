import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { recordedHealth } from '../../../test/fixtures/recorded/etcd-health.ts';
import { Refused } from '../../chain/outcome.ts';
import type { Context } from '../../chain/phase.ts';
import type { Step } from '../../chain/step.ts';
import { createWaiter } from '../../chain/wait.ts';
import type { Deps } from '../../deps.ts';
import { NightliftError } from '../../errors.ts';
import { exampleNode } from '../../facts/example-facts.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import type { CommandResult, NodeAddress } from '../../node/node-shell.ts';
import type { NodeScript } from '../../node/scripts.ts';
import { Settings } from '../../settings/settings.ts';
import { examplePod } from '../drain/example-pod.ts';
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
function scene(options: { nodes?: readonly NodeFact[]; answers: readonly Answer[]; step?: Step; etcdPods?: boolean }) {
  const { nodes = THREE, answers, step = MASTER, etcdPods = true } = options;
  const start = Date.parse('2026-11-21T23:00:00Z');
  let ms = start;
  const seen = { asked: [] as string[], lines: [] as string[] };
  const clock = {
    now: () => new Date(ms),
    sleep: (duration: number) => {
      ms += duration;
      return Promise.resolve();
    },
  };
  const log = { info: (line: string) => void seen.lines.push(line) };
  const pods = nodes.flatMap(({ name }) =>
    ['etcd', 'kube-apiserver']
      .filter((component) => etcdPods || component !== 'etcd')
      .map((component) =>
        examplePod(`${component}-${name}`, {
          node: name,
          labels: { component },
          apiServerAddress: component === 'kube-apiserver' && name === 'cp3' ? '198.51.100.3:7443' : null,
        }),
      ),
  );
  const deps = {
    settings: Settings.parse({}),
    clock,
    log,
    templates: {
      node: (name: string) => readFileSync(new URL(`../../../templates/node/${name}.sh`, import.meta.url), 'utf8'),
    },
    cluster: { nodes: async () => nodes, pods: async () => pods },
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
  return { seen, seconds: () => (ms - start) / 1000, run: () => controlPlanesHealthy.run(context) };
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
    const { run } = scene({ answers: [etcdSays('well', { cp2: '000' })] });
    expect(await reasonsOf(run())).toEqual([
      'ControlPlaneUnhealthy: the API server of cp2 does not answer at 192.0.2.12:6443',
      'ControlPlaneUnhealthy: the API server of cp3 does not answer at 198.51.100.3:7443',
    ]);
  });

  it('leaves a node that stays away to the next try', async () => {
    const { run } = scene({ answers: [new NightliftError('network', 'connecting to cp2: it did not answer')] });
    await expect(run()).rejects.toMatchObject({ kind: 'network', message: 'connecting to cp2: it did not answer' });
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
});
