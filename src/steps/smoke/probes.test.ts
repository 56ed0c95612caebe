import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controlPlane, worker } from '../../../test/support/clusters.ts';
import { type ExampleWorld, exampleJob, exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn, errorOf, refusalOf } from '../../../test/support/example-step.ts';
import { fastClock } from '../../../test/support/virtual-clock.ts';
import type { PodFact } from '../../cluster/cluster.ts';
import { examplePod } from '../../cluster/example-pod.ts';
import { haltOnTrigger, soak } from '../health/halt-on-alert.ts';
import { placesOf } from './pods.ts';
import { PROBE_PORT, PROBE_PROGRAM } from './probe-program.ts';
import { whyNotReached } from './probes.ts';
import { smoke } from './smoke.ts';

const POSTFLIGHT = { phase: 'postflight' } as const;
const WORKER = { phase: 'worker', node: 'w-1' } as const;
const GENERATION = 'generation';
const of = (name: string, generation: string, fields = {}) =>
  worker(name, '1.36.4', { labels: { [GENERATION]: generation }, ...fields });
const NODES = [controlPlane('cp-1'), of('w-1', 'old'), of('w-2', 'new'), of('w-3', 'new')];

interface Scene {
  readonly settings: object;
  /** The pod of the n-th Job, as it is; undefined: there is none. */
  readonly pod?: (index: number, seconds: number) => Partial<PodFact> | undefined;
}

const RUNNING = (index: number): Partial<PodFact> => ({ ip: `127.0.0.${index + 2}`, node: `w-${index}` });

function scene({ settings, pod = RUNNING }: Scene) {
  const deleted: string[] = [];
  const selectors: string[] = [];
  const made: string[] = [];
  // Real programs answer: time goes by, a hundred times as fast.
  const clock = fastClock(100);
  const begun = clock.monotonic();
  const world: ExampleWorld = exampleWorld({
    nodes: NODES,
    settings: { waits: { readySeconds: 20, pollSeconds: 5, soakSeconds: 0 }, alerts: { required: false }, ...settings },
    deps: { identity: 'me', clock },
    cluster: {
      jobs: async (selector) => {
        selectors.push(selector);
        return [...world.jobs.values()];
      },
      createJob: async (manifest) => {
        const { name } = manifest.metadata;
        made.push(name);
        world.seen.created.push(manifest);
        world.jobs.set(name, exampleJob(name, { phase: '' }));
        return 'created';
      },
      deleteJob: async (name) => {
        deleted.push(name);
        world.jobs.delete(name);
      },
      pods: async ({ labels, namespace }) => {
        if (namespace !== 'k8s-upgrade') return [];
        if (labels === 'app=k8s-upgrade-chain') return [examplePod('me', { uid: 'my-uid' }), examplePod('other')];
        return [...world.jobs.keys()].flatMap((name, index) => {
          const fields = pod(index, (clock.monotonic() - begun) / 1000);
          return fields === undefined ? [] : [examplePod(`${name}-x`, { owner: { kind: 'Job', name }, ...fields })];
        });
      },
    },
  });
  return { world, deleted, selectors, made };
}

const running: ChildProcess[] = [];

async function startProbe(address: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', PROBE_PROGRAM], { env: { PROBE_ADDRESS: address }, stdio: 'ignore' });
  running.push(child);
  for (let tries = 0; tries < 100; tries += 1) {
    if ((await whyNotReached(address, AbortSignal.timeout(5000))) === undefined) return child;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the probe at ${address} does not answer`);
}

beforeAll(async () => {
  await Promise.all(['127.0.0.2', '127.0.0.3', '127.0.0.4'].map(startProbe));
});
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

describe('the program of a probe', () => {
  const signal = AbortSignal.timeout(20_000);

  it('answers, and says whether it reaches another one', async () => {
    expect(await whyNotReached('127.0.0.2', signal)).toBeUndefined();
    expect(await whyNotReached('127.0.0.2', signal, '127.0.0.3')).toBeUndefined();
    expect(await whyNotReached('127.0.0.2', signal, '127.0.0.9')).toMatch(/^HTTP 502: .*ECONNREFUSED/);
    expect(await whyNotReached('127.0.0.9', signal)).toMatch(/ECONNREFUSED/);
  });

  it('asks nothing but an address', async () => {
    expect(await whyNotReached('127.0.0.2', signal, 'localhost')).toBe('HTTP 400: no address');
    expect(await whyNotReached('127.0.0.2', signal, '127.0.0.3/secret')).toBe('HTTP 400: no address');
  });

  it('ends when it is told to', async () => {
    const child = await startProbe('127.0.0.7');
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });
});

describe('where probes go', () => {
  it.each([
    ['one for each value, and one for nodes without it', NODES, [null, 'new', 'old']],
    ['none for nodes that take no pods', [of('a', 'x', { schedulable: false }), of('b', 'y', { ready: 'no' })], []],
    [
      'none for nodes of which somebody keeps pods away, and those of a control plane are no such',
      [
        of('a', 'x', { taints: [{ key: 'gpu', effect: 'NoSchedule' }] }),
        of('b', 'y', { taints: [{ key: 'gpu', effect: 'PreferNoSchedule' }] }),
        controlPlane('cp', '1.36.4', {
          labels: { [GENERATION]: 'z' },
          taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }],
        }),
      ],
      ['y', 'z'],
    ],
  ])('%s', (_, nodes, values) => {
    expect(placesOf(nodes, GENERATION).map((place) => ('value' in place ? place.value : ''))).toEqual(values);
  });
});

describe('pods on each kind of node', () => {
  const settings = { smoke: { podsPer: GENERATION, podNetwork: true } };

  it('are made, asked over the pod network, and removed', async () => {
    const { world, deleted, selectors, made } = scene({ settings });
    await smoke.run(contextIn(world, POSTFLIGHT));
    expect(made).toHaveLength(3);
    expect(deleted.toSorted()).toEqual(made.toSorted());
    // Those of every step at the end of the run.
    expect(selectors.at(-1)).toBe('app=k8s-upgrade-probe');
    const { metadata, spec } = world.seen.created[0] ?? { metadata: undefined, spec: {} };
    const specs = world.seen.created.map((one) => JSON.stringify(one.spec));
    expect(metadata).toMatchObject({
      namespace: 'k8s-upgrade',
      labels: { app: 'k8s-upgrade-probe' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'me', uid: 'my-uid' }],
    });
    expect(spec).toMatchObject({
      activeDeadlineSeconds: 620,
      ttlSecondsAfterFinished: 60,
      backoffLimit: 0,
      template: { spec: { automountServiceAccountToken: false, containers: [{ image: 'nightlift:test' }] } },
    });
    expect(specs.filter((text) => text.includes('{"key":"generation","operator":"DoesNotExist"}'))).toHaveLength(1);
    expect(specs.filter((text) => text.includes('"operator":"In","values":["old"]'))).toHaveLength(1);
  });

  it('are made once, however often it is looked, and anew when their time was over', async () => {
    const { world, made, deleted } = scene({ settings, pod: (index, now) => (now < 10 ? undefined : RUNNING(index)) });
    await smoke.run(contextIn(world, POSTFLIGHT));
    expect(made).toHaveLength(3);
    const again = scene({ settings });
    for (const name of made) again.world.jobs.set(name, exampleJob(name, { phase: '', status: 'failed' }));
    await smoke.run(contextIn(again.world, POSTFLIGHT));
    expect(again.made.toSorted()).toEqual(made.toSorted());
    expect(again.deleted).toHaveLength(6);
    expect(deleted).toHaveLength(3);
  });

  it('that do not start are named with the reason of the scheduler, and removed all the same', async () => {
    const pod: Scene['pod'] = (index) =>
      index === 1
        ? { ready: false, phase: 'Pending', node: null, ip: null, unschedulable: '0/4 nodes are available' }
        : RUNNING(index);
    const { world, deleted } = scene({ settings, pod });
    expect(await refusalOf(smoke.run(contextIn(world, POSTFLIGHT)))).toMatchObject([
      {
        reason: 'PodsNotScheduled',
        message:
          'waiting 20 s until a pod runs on each kind of node (smoke.podsPer): a node with generation=new: 0/4 nodes are available',
      },
      {
        reason: 'PodsNotConnected',
        message: expect.stringContaining('there is no pod on a node with generation=new') as string,
      },
    ]);
    expect(deleted).toHaveLength(3);
    expect(world.jobs.size).toBe(0);
  });

  it('that are not reached are named, with the way', async () => {
    const pod: Scene['pod'] = (index) => ({ ...RUNNING(index), ...(index === 2 ? { ip: '127.0.0.9' } : {}) });
    const { world } = scene({ settings, pod });
    const [finding] = await refusalOf(smoke.run(contextIn(world, POSTFLIGHT)));
    expect(finding).toMatchObject({ reason: 'PodsNotConnected' });
    expect(finding?.message).toMatch(
      /from here to w-2: .*from w-1 to w-2: HTTP 502|from w-1 to w-2: HTTP 502.*from here to w-2/,
    );
  });

  it('are one on the node itself after a worker, and only its own is removed', async () => {
    const { world, made, selectors } = scene({ settings: { smoke: { ...settings.smoke, eachWorker: true } } });
    await smoke.run(contextIn(world, WORKER));
    expect(made).toHaveLength(1);
    expect(JSON.stringify(world.seen.created[0]?.spec)).toContain(
      '{"key":"metadata.name","operator":"In","values":["w-1"]}',
    );
    expect(selectors.at(-1)).toMatch(/^app=k8s-upgrade-probe,for=[0-9a-f]{10}$/);
  });

  it('are not made for a label of which each node has its own value', async () => {
    const { world, made } = scene({ settings });
    world.nodes = Array.from({ length: 31 }, (_, index) => of(`w-${index}`, `${index}`));
    const [finding] = await refusalOf(smoke.run(contextIn(world, POSTFLIGHT)));
    expect(finding?.message).toContain('generation has 31 values, and pods are made for 30 at most');
    expect(made).toEqual([]);
  });

  it('are removed when the step is stopped in the middle', async () => {
    const { world, deleted, made } = scene({ settings, pod: () => undefined });
    world.configMaps.set('k8s-upgrade/k8s-upgrade-killswitch', {});
    const { deps } = world;
    const context = contextIn({ ...world, deps }, POSTFLIGHT);
    world.configMaps.delete('k8s-upgrade/k8s-upgrade-killswitch');
    const sleep = deps.clock.sleep.bind(deps.clock);
    deps.clock.sleep = async (ms, signal) => {
      world.configMaps.set('k8s-upgrade/k8s-upgrade-killswitch', {});
      await sleep(ms, signal);
    };
    expect(await errorOf(smoke.run(context))).toMatchObject({ name: 'Paused' });
    expect(made).toHaveLength(3);
    expect(deleted).toHaveLength(3);
  });

  it('that cannot be removed stop nothing, and it is said', async () => {
    const { world } = scene({ settings });
    world.deps.cluster.deleteJob = () => Promise.reject(new Error('away'));
    expect(await errorOf(smoke.run(contextIn(world, POSTFLIGHT)))).toBeUndefined();
    expect(world.seen.log.filter(({ level }) => level === 'warn').map(({ fields }) => fields['error'])).toContain(
      'away',
    );
  });
});

describe('the pod network of a node that was upgraded', () => {
  const settings = { triggers: { network: true, forSeconds: 10 } };

  it.each([soak, haltOnTrigger])('is well when its pod is reached, and the pod is removed ($name)', async (step) => {
    const { world, made, deleted } = scene({ settings });
    await step.run(contextIn(world, WORKER));
    expect(made).toHaveLength(1);
    expect(deleted).toEqual(made);
  });

  it('stops the run when its pod is not reached, and the pod is removed', async () => {
    const { world, made, deleted } = scene({ settings, pod: () => ({ ip: '127.0.0.9' }) });
    expect(await refusalOf(soak.run(contextIn(world, WORKER)))).toEqual([
      {
        check: 'node-network',
        reason: 'NetworkFails',
        class: 'actionable',
        severity: 'block',
        message: expect.stringMatching(/^a pod on w-1 is not reached over the pod network: .*ECONNREFUSED/) as string,
        remedy: expect.stringContaining('triggers.network') as string,
      },
    ]);
    expect(deleted).toEqual(made);
  });

  it('is not well when nobody knows: a pod that does not run is waited for, and named', async () => {
    const slow = scene({ settings, pod: (index, now) => (now < 30 ? undefined : RUNNING(index)) });
    expect(await errorOf(soak.run(contextIn(slow.world, WORKER)))).toBeUndefined();
    const never = scene({ settings, pod: () => ({ ready: false, phase: 'Pending', ip: null }) });
    expect(await refusalOf(soak.run(contextIn(never.world, WORKER)))).toMatchObject([
      {
        reason: 'NetworkFails',
        message: expect.stringContaining('the probe pod on w-1 does not run: Pending') as string,
        remedy: expect.stringContaining('smoke.image') as string,
      },
    ]);
    expect(never.world.jobs.size).toBe(0);
  });

  it('makes nothing without the setting', async () => {
    const { world, made } = scene({ settings: {} });
    await soak.run(contextIn(world, WORKER));
    expect(made).toEqual([]);
  });
});

it('a probe listens where no privilege is needed', () => {
  expect(PROBE_PORT).toBeGreaterThan(1024);
});
