import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { controlPlane, OLD, TARGET, worker } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { engageKillSwitch } from '../../../test/support/example-phase.ts';
import { contextIn, errorOf, exampleShell, refusalOf } from '../../../test/support/example-step.ts';
import { Paused } from '../../chain/outcome.ts';
import type { PodFact, QuiescedWorkload } from '../../cluster/cluster.ts';
import { examplePod } from '../../cluster/example-pod.ts';
import { LockLost } from '../../errors.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { controlPlanePods } from './control-plane-pods.ts';
import { plan } from './kubeadm-plan.ts';
import { oidcRestore, oidcRestoreKnown } from './oidc-restore.ts';
import { pruneBackups } from './prune-backups.ts';
import { quiesce, restoreWorkloads } from './quiesce.ts';

const MASTER = { phase: 'master', node: 'cp-1' } as const;
const NODES = [worker('worker-1'), controlPlane('cp-2'), controlPlane('cp-1')];

describe('control-plane-pods', () => {
  const pod = (component: string, image = `registry.k8s.io/${component}:v${TARGET}`, fields: Partial<PodFact> = {}) =>
    examplePod(`${component}-cp-1`, {
      namespace: 'kube-system',
      node: 'cp-1',
      labels: { tier: 'control-plane', component },
      images: [image],
      ...fields,
    });
  const run = (pods: readonly PodFact[]) => {
    const world = exampleWorld({
      nodes: NODES,
      settings: { waits: { readySeconds: 20 } },
      cluster: {
        pods: async ({ namespace, labels }) => {
          const [key = '', value] = labels?.split('=') ?? [];
          return pods.filter((one) => one.namespace === namespace && one.labels[key] === value);
        },
      },
    });
    return { world, running: controlPlanePods.run(contextIn(world, MASTER)) };
  };
  const all = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((name) => pod(name));
  const old = (component: string): string => `registry.k8s.io/${component}:v${OLD}`;

  it.each([
    ['of the target', []],
    ['and an etcd of its own version', [pod('etcd', 'registry.k8s.io/etcd:3.6.8-0')]],
    ['and one of somebody else', [pod('kube-vip', 'kube-vip:v1')]],
    ['and one that says no component', [pod('mine', 'x', { labels: { tier: 'control-plane' } })]],
    ['and those of other nodes', [pod('kube-scheduler', 'old', { node: 'cp-2', ready: false })]],
    ['and those of other namespaces', [pod('kube-scheduler', 'old', { namespace: 'apps' })]],
    [
      'and those that are no control plane',
      [pod('kube-scheduler', 'old', { labels: { component: 'kube-scheduler' } })],
    ],
    ['and one of several images', [pod('kube-scheduler', '', { images: ['sidecar:1', `x:v${TARGET}`] })]],
  ])('goes on at once with pods %s', async (_title, more) => {
    const { world, running } = run([...all, ...more]);
    await running;
    expect(world.passed()).toBe(0);
  });

  it.each([
    ['there are none', [], 'cp-1 shows no control plane pods'],
    [
      'there are only those of another node',
      [pod('kube-apiserver', undefined, { node: 'cp-2' })],
      'cp-1 shows no control plane pods',
    ],
    ['one is not ready', [...all, pod('etcd', 'etcd:3', { ready: false })], 'etcd-cp-1 is not ready'],
    ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map(
      (name) => [`${name} is old`, [pod(name, old(name))], `${name}-cp-1 runs ${old(name)}`] as const,
    ),
    [
      'one has an image that only ends like the target',
      [pod('kube-apiserver', `x:v2${TARGET}`, { images: [`x:v2${TARGET}`, 'y:1'] })],
      `kube-apiserver-cp-1 runs x:v2${TARGET}, y:1`,
    ],
    [
      'one is old and not ready',
      [pod('kube-apiserver', 'x', { ready: false })],
      'kube-apiserver-cp-1 is not ready; kube-apiserver-cp-1 runs x',
    ],
  ] as const)('waits and fails when %s', async (_title, pods, missing) => {
    expect(await errorOf(run(pods).running)).toMatchObject({
      kind: 'timeout',
      message: `the control plane cp-1 did not come back (ControlPlaneNotBack): waiting 20 s for the control plane pods: ${missing}`,
    });
  });
});

describe('plan', () => {
  const OFFER = `You can now apply the upgrade by executing the following command:\n\n\tkubeadm upgrade apply v${TARGET}\n`;
  function scene(options: { nodes?: readonly NodeFact[]; offer?: string; kubeadm?: object; answers?: object } = {}) {
    const { nodes = NODES, offer = OFFER, kubeadm = {}, answers = {} } = options;
    const shell = exampleShell({ plan: { stdout: offer }, ...answers });
    const world = exampleWorld({ nodes, settings: { kubeadm }, deps: { shell } });
    return { shell, world, context: contextIn(world, { phase: 'preflight' }) };
  }

  it('I13 is pointless once the first control plane is on the target, whatever the others show', async () => {
    expect(await plan.skip?.(scene().context)).toBeUndefined();
    const begun = [controlPlane('cp-2'), controlPlane('cp-1', TARGET, { unfinished: TARGET })];
    expect(await plan.skip?.(scene({ nodes: begun }).context)).toBe('cp-1 is on 1.36.4 already');
    const odd = [controlPlane('cp-1'), controlPlane('cp-2', TARGET)];
    expect(await plan.skip?.(scene({ nodes: odd }).context)).toBeUndefined();
  });

  it('fails where no node is a control plane', async () => {
    const { context } = scene({ nodes: [worker('worker-1')] });
    expect(await errorOf(plan.skip?.(context))).toMatchObject({
      kind: 'cluster',
      remedy: expect.stringContaining('Put the label back') as string,
    });
  });

  it('D06 is left when the kill switch is engaged while kubeadm plans', async () => {
    const { shell, world, context } = scene();
    const run = shell.run.bind(shell);
    shell.run = async (node, script, signal) => {
      if (script.name === 'plan') await world.clock.sleep(240_000, signal);
      return await run(node, script, signal);
    };
    void world.clock.sleep(60_000).then(() => engageKillSwitch(world));
    expect(await errorOf(plan.run(context))).toBeInstanceOf(Paused);
    expect(world.passed()).toBeLessThan(70);
  });

  it("asks the target's own kubeadm on the first control plane, where it was staged", async () => {
    const { shell, world, context } = scene({ kubeadm: { ignorePreflightErrors: ['Swap', 'CRI'] } });
    await plan.run(context);
    expect(shell.asked).toEqual(['plan on cp-1']);
    const [asked] = shell.scripts;
    expect(asked?.text).toContain(`\nTARGET='${TARGET}'\nIGNORE='Swap,CRI'\n`);
    expect([world.seen.messages, world.seen.log]).toEqual([[], []]);
  });

  it('refuses when kubeadm does not offer the target, with its last words', async () => {
    const { shell, context } = scene({ offer: 'one\ntwo\nthree\nkubeadm upgrade apply v1.36.5\n\n' });
    expect(await refusalOf(plan.run(context))).toEqual([
      {
        check: 'kubeadm-plan',
        reason: 'PlanDoesNotOfferTarget',
        class: 'actionable',
        severity: 'block',
        message:
          'kubeadm upgrade plan v1.36.4 on cp-1 does not offer 1.36.4; it ended with: two | three | kubeadm upgrade apply v1.36.5',
        remedy: 'On cp-1: sudo kubeadm upgrade plan v1.36.4',
      },
    ]);
    expect(shell.asked.at(-1)).toBe('plan on cp-1');
  });

  it('fails with what was done when kubeadm does', async () => {
    const { context } = scene({ answers: { plan: { exitCode: 22 } } });
    expect(await errorOf(plan.run(context))).toMatchObject({
      message: expect.stringContaining('kubeadm upgrade plan v1.36.4 on cp-1: plan.sh ended with exit code 22'),
    });
  });
});

describe('oidc-restore', () => {
  const TEXT = 'echo restore';
  const SUM = createHash('sha256').update(TEXT).digest('hex');
  const OTHER = createHash('sha256').update('echo root').digest('hex');

  function scene(sha256: string, text: string | undefined, answer: object = {}) {
    const shell = exampleShell({ 'run-script': answer });
    const world = exampleWorld({ nodes: NODES, settings: { oidcRestore: { sha256 } }, deps: { shell } });
    if (text !== undefined) world.configMaps.set('kube-system/apiserver-oidc-restore', { 'restore.sh': text });
    return { shell, world, context: contextIn(world, MASTER), before: contextIn(world, { phase: 'preflight' }) };
  }

  it('is off when no setting names a script, whoever has put one there', async () => {
    const { context, before, shell, world } = scene('', TEXT);
    expect(await oidcRestore.skip?.(context)).toBe('oidcRestore.sha256 names no script');
    await oidcRestore.run(context);
    await oidcRestoreKnown.run(before);
    expect(shell.asked).toEqual([]);
    expect(world.seen.log.map(({ level, message, fields }) => [level, message, fields['remedy']])).toEqual([
      [
        'warn',
        'there is a restore.sh of ConfigMap kube-system/apiserver-oidc-restore, and it will not be run: no setting names it',
        expect.stringContaining(`set oidcRestore.sha256 to ${SUM}, its SHA-256: kubectl -n kube-system get configmap`),
      ],
    ]);
  });

  it('says nothing where there is neither', async () => {
    const { before, world } = scene('', undefined);
    await oidcRestoreKnown.run(before);
    expect(world.seen.log).toEqual([]);
  });

  it.each([SUM, SUM.toUpperCase()])('I18 runs the script that has the sum of the settings: %s', async (sum) => {
    const { shell, world, context, before } = scene(sum, TEXT);
    await oidcRestoreKnown.run(before);
    expect(await oidcRestore.skip?.(context)).toBeUndefined();
    await oidcRestore.run(context);
    expect(shell.asked).toEqual(['run-script on cp-1']);
    expect(shell.scripts[0]?.text).toContain(Buffer.from(TEXT).toString('base64'));
    expect(world.seen.log).toEqual([]);
  });

  it.each([
    ['RestoreScriptChanged', 'echo root', `has the SHA-256 ${OTHER}, and oidcRestore.sha256 names ${SUM}`],
    ['RestoreScriptMissing', undefined, `oidcRestore.sha256 names ${SUM}, and there is no restore.sh`],
  ])('refuses the night before a change, and runs nothing after one: %s', async (reason, text, message) => {
    const { shell, world, context, before } = scene(SUM, text);
    const [finding] = await refusalOf(oidcRestoreKnown.run(before));
    expect(finding).toMatchObject({ check: 'oidc-restore', reason, message: expect.stringContaining(message) });
    await oidcRestore.run(context);
    expect(shell.asked).toEqual([]);
    expect(world.seen.log.map(({ level, message: said }) => [level, said])).toEqual([
      ['warn', expect.stringMatching(/single sign-on may be broken$/)],
    ]);
  });

  it.each([1, null])('only warns when it fails, with the end of what it said: exit code %j', async (exitCode) => {
    const { world, context } = scene(SUM, TEXT, { exitCode, stderr: `${'a'.repeat(600)}b` });
    await oidcRestore.run(context);
    expect(world.seen.log.map(({ level, fields }) => [level, fields['output']])).toEqual([
      ['warn', `${'a'.repeat(499)}b`],
    ]);
  });
});

describe('the scripts of this phase that change a node without a unit of their own', () => {
  const FENCE = { generation: 1_795_302_000_000, holder: 'pod-a' };
  const REFUSED = { exitCode: 53, stderr: "nightlift: failed: the lock of the chain is not pod-a's any more\n" };

  function scene(answer: object) {
    const shell = exampleShell({ 'run-script': answer, 'prune-backups': answer });
    const sha256 = createHash('sha256').update('echo restore').digest('hex');
    const world = exampleWorld({ nodes: NODES, settings: { oidcRestore: { sha256 } }, deps: { shell } });
    world.configMaps.set('kube-system/apiserver-oidc-restore', { 'restore.sh': 'echo restore' });
    return { shell, world, context: { ...contextIn(world, MASTER), fence: FENCE } };
  }

  it.each([oidcRestore, pruneBackups])('carry the generation of the lock: $name', async (step) => {
    const { shell, context } = scene({});
    await step.run(context);
    expect(shell.scripts.length).toBeGreaterThan(0);
    for (const { text } of shell.scripts) expect(text).toContain("\nGENERATION='1795302000000'\nHOLDER='pod-a'\n");
  });

  it.each([oidcRestore, pruneBackups])('end the step when the node refuses an old holder: $name', async (step) => {
    expect(await errorOf(step.run(scene(REFUSED).context))).toBeInstanceOf(LockLost);
  });

  it("take an operator's own exit code for what it is", async () => {
    const { world, context } = scene({ exitCode: 53, stderr: 'no such file\n' });
    await oidcRestore.run(context);
    expect(world.seen.log.map(({ level }) => level)).toEqual(['warn']);
  });
});

describe('prune-backups', () => {
  it('removes them on every control plane by the settings, and tells what the script says', async () => {
    const shell = exampleShell({ 'prune-backups': [{ stdout: ' removed a \n\nremoved b\n' }, {}] });
    const world = exampleWorld({ nodes: NODES, settings: { kubeadm: { backupDays: 9 } }, deps: { shell } });
    await pruneBackups.run(contextIn(world, { phase: 'postflight' }));
    expect(shell.asked).toEqual(['prune-backups on cp-1', 'prune-backups on cp-2']);
    expect(shell.scripts[0]?.text).toContain("\nDAYS='9'\n");
    expect(world.seen.log.map(({ message, fields }) => [message, fields['from']])).toEqual([
      ['removed a', 'cp-1'],
      ['removed b', 'cp-1'],
    ]);
  });

  it('fails with what was done', async () => {
    const shell = exampleShell({ 'prune-backups': { exitCode: 1, stderr: 'nightlift: failed: read-only' } });
    const world = exampleWorld({ nodes: NODES, deps: { shell } });
    expect(await errorOf(pruneBackups.run(contextIn(world)))).toMatchObject({
      message: 'removing old kubeadm backups on cp-1: prune-backups.sh ended with exit code 1: read-only',
    });
  });
});

describe('quiesce', () => {
  const list = [
    { kind: 'Deployment', namespace: 'ops', name: 'one' },
    { kind: 'StatefulSet', namespace: 'ops', name: 'gone' },
  ] as const;

  function scene(
    options: { node?: Partial<NodeFact>; quiesce?: readonly object[]; quiesced?: QuiescedWorkload[] } = {},
  ) {
    const calls: unknown[] = [];
    const world = exampleWorld({
      nodes: [controlPlane('cp-1', OLD, options.node)],
      settings: { quiesce: options.quiesce ?? list },
      cluster: {
        quiesce: async (workload) => {
          calls.push(['quiesce', workload]);
          return workload.name === 'gone' ? undefined : { ...workload, replicasBefore: 3 };
        },
        quiescedWorkloads: async () => options.quiesced ?? [],
        restore: async (workload) => void calls.push(['restore', workload]),
      },
    });
    return { world, calls, context: contextIn(world, MASTER) };
  }

  it.each([
    [list, undefined],
    [[], 'the quiesce list is empty'],
  ])('is skipped without a list', async (workloads, want) => {
    expect(await quiesce.skip?.(scene({ quiesce: workloads }).context)).toBe(want);
  });

  it.each([
    [OLD, false],
    [TARGET, true],
  ])('is done on a node that shows %s: %s', async (version, done) => {
    const { context } = scene({ node: { kubelet: version, apiServer: version } });
    expect(await quiesce.isDone?.(context)).toBe(done);
  });

  it('I12 scales each to zero, and warns of one that is not there', async () => {
    const { world, calls, context } = scene();
    await quiesce.run(context);
    expect(calls).toEqual(list.map((workload) => ['quiesce', workload]));
    expect(world.seen.log.map(({ level, fields }) => [level, fields['workload']])).toEqual([
      ['info', 'Deployment ops/one'],
      ['warn', 'StatefulSet ops/gone'],
    ]);
  });

  it('says of one that an earlier try has scaled that it is so already', async () => {
    const [one] = list;
    const { world, context } = scene({ quiesce: [one], quiesced: [{ ...one, replicasBefore: 3 }] });
    await quiesce.run(context);
    expect(world.seen.log.map(({ message }) => message)).toEqual(['is scaled to zero already']);
  });

  it.each([
    ['its own undo', quiesce.undo],
    ['the step after the upgrade', restoreWorkloads.run],
  ])('I12 is taken back for whatever carries the record, by %s', async (_title, restore) => {
    const quiesced: QuiescedWorkload[] = [{ kind: 'Deployment', namespace: 'other', name: 'two', replicasBefore: 2 }];
    const { calls, world, context } = scene({ quiesced });
    await restore?.(context);
    expect(calls).toEqual(quiesced.map((workload) => ['restore', workload]));
    expect(world.seen.log.map(({ fields }) => fields)).toEqual([{ workload: 'Deployment other/two', replicas: 2 }]);
  });

  it('is taken back with nothing in between', () => {
    expect(restoreWorkloads.critical).toBe(true);
  });
});
