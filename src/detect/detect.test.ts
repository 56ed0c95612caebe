import { describe, expect, it } from 'vitest';
import { controlPlane, worker } from '../../test/support/clusters.ts';
import { type ExampleWorld, exampleJob, exampleWorld, type WorldOptions } from '../../test/support/example-deps.ts';
import { engageKillSwitch } from '../../test/support/example-phase.ts';
import { exampleShell } from '../../test/support/example-step.ts';
import { surveyOutputOf } from '../../test/support/survey-output.ts';
import { ClusterError } from '../cluster/kube-error.ts';
import { NightliftError } from '../errors.ts';
import { exampleAlert } from '../facts/example-facts.ts';
import type { WorkloadFact } from '../facts/facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { parseRunHistory, recordName } from '../facts/run-history.ts';
import type { Gauge, MetricGroup } from '../metrics/metrics.ts';
import type { NodeShell } from '../node/node-shell.ts';
import { detect, gateAndStart } from './detect.ts';

const signal = new AbortController().signal;

const RUN = 'nightlift/k8s-upgrade-';
const RECORD = `${RUN}record`;
const STATE = 'k8s-upgrade/k8s-upgrade-state';
const NOW = '2026-11-21T23:00:00.000Z';
const NOW_SECONDS = Date.parse(NOW) / 1000;
const NOTHING_REFUSED = { k8s_upgrade_blocked: 0, k8s_upgrade_held: 0, k8s_upgrade_findings: 0 };
/** One value for each night: preflight asks once more and says it. */
const LEFT_TO_PREFLIGHT = {};

/** Waits for a release of its maker before 1.37. */
const calico: WorkloadFact = {
  kind: 'DaemonSet',
  namespace: 'kube-system',
  name: 'calico-node',
  images: ['quay.io/calico/node:v3.32.1'],
};
/** Can be raised by somebody here before 1.37. */
const kured: WorkloadFact = {
  kind: 'DaemonSet',
  namespace: 'kube-system',
  name: 'kured',
  images: ['ghcr.io/kubereboot/kured:1.22.0'],
};

interface Night extends WorldOptions {
  /** That apt offers; undefined = apt fails. */
  readonly patches?: readonly string[] | undefined;
  /** Of 1.37; null = there is no such minor. */
  readonly minors?: readonly string[] | null;
}

interface NightWorld extends ExampleWorld {
  /** What the group of the detector holds in the Pushgateway: by name, with its labels. */
  readonly check: Map<string, Gauge>;
}

function night({ patches, minors = null, ...options }: Night = {}): NightWorld {
  const check = new Map<string, Gauge>();
  const madison = (patches ?? []).flatMap((version) =>
    ['kubeadm', 'kubelet', 'kubectl'].map((name) => `${name} | ${version}-1.1 | https://pkgs Packages`),
  );
  const shell: NodeShell = {
    run: async (node, { name }) =>
      name === 'survey'
        ? { exitCode: 0, stdout: surveyOutputOf(node.name), stderr: '' }
        : { exitCode: patches === undefined ? 100 : 0, stdout: madison.join('\n'), stderr: '' },
    runDetached: () => Promise.reject(new Error('the look changes nothing on a node')),
    close: async () => {},
  };
  const world: ExampleWorld = exampleWorld({
    ...options,
    deps: {
      shell,
      feed: { minor: async (minor) => (minors === null ? null : { minor, source: 'feed', versions: [...minors] }) },
      metrics: {
        push: async (group: MetricGroup, gauges: readonly Gauge[]) => {
          if (group === 'k8s-version-check') for (const gauge of gauges) check.set(gauge.name, gauge);
          else for (const { name, value } of gauges) world.seen.gauges.set(name, value);
        },
        clear: async (group) => {
          world.seen.cleared.push(group);
          check.clear();
        },
        read: async () => [],
      },
      ...options.deps,
    },
  });
  return Object.assign(world, { check });
}

const gaugesOf = (world: ExampleWorld) => Object.fromEntries(world.seen.gauges);
const loggedAt = (world: ExampleWorld, level: string) =>
  world.seen.log.filter((line) => line.level === level).map((line) => line.fields['reason'] ?? line.message);

describe('detect', () => {
  it('starts preflight for the newest patch', async () => {
    const world = night({ patches: ['1.36.3', '1.36.4'] });
    expect(await detect(world.deps, signal)).toEqual({
      kind: 'started',
      target: '1.36.4',
      job: 'k8s-upgrade-preflight-1-36-4',
    });
    expect(world.seen.changes).toEqual(['create k8s-upgrade-preflight-1-36-4']);
    expect(world.seen.messages).toEqual([]);
    expect(gaugesOf(world)).toEqual(LEFT_TO_PREFLIGHT);
    expect(world.seen.cleared).toEqual([]);
  });

  it('starts nothing when nothing newer is published, and ends the alerts of earlier refusals', async () => {
    const world = night({ patches: ['1.36.3'] });
    expect(await detect(world.deps, signal)).toEqual({
      kind: 'nothing',
      running: '1.36.3',
      reason: 'there is no newer patch; 1.37 is not published',
    });
    expect(world.seen.changes).toEqual([]);
    expect(gaugesOf(world)).toEqual(NOTHING_REFUSED);
    expect(world.seen.cleared).toEqual([]);
  });

  it('I14 says unknown when apt could not be asked, and leaves the word of an earlier refusal', async () => {
    const world = night({ minors: ['1.37.1'] });
    const detection = await detect(world.deps, signal);
    expect(detection).toMatchObject({ kind: 'unknown' });
    expect(detection).toMatchObject({ reason: expect.stringMatching(/patches of 1\.36 could not be looked up/) });
    expect(world.seen.changes).toEqual([]);
    expect(gaugesOf(world)).toEqual({});
  });

  it('takes what the settings let through', async () => {
    const world = night({ patches: ['1.36.3', '1.36.4', '1.36.5'], settings: { target: { skip: ['1.36.5'] } } });
    expect(await detect(world.deps, signal)).toMatchObject({ kind: 'started', target: '1.36.4' });
  });

  it('asks the gate before it starts', async () => {
    const world = night({ patches: ['1.36.3'], minors: ['1.37.1'], cluster: { workloads: async () => [calico] } });
    expect(await detect(world.deps, signal)).toMatchObject({ kind: 'refused', target: '1.37.1', verdict: 'held' });
    expect(world.seen.changes).toEqual([]);
  });
});

describe('hops of a night', () => {
  const HOPS = `${RUN}night-hops`;
  const two = { target: { hopsPerNight: 2 } };
  const hopsOf = (world: ExampleWorld) => world.annotations.get(HOPS);

  it('are noted with the first Job, in their order', async () => {
    const world = night({ patches: ['1.36.3', '1.36.4'], settings: two });
    world.annotations.set(HOPS, '1.35.8>1.36.3@2026-11-21T22:00:00.000Z');
    await detect(world.deps, signal);
    expect(hopsOf(world)).toBe(`1.35.8>1.36.3@2026-11-21T22:00:00.000Z 1.36.3>1.36.4@${NOW}`);
  });

  it('are not counted again for a run that is begun again, nor from another night', async () => {
    const world = night({ patches: ['1.36.3', '1.36.4'], settings: two });
    world.annotations.set(HOPS, '1.35.8>1.36.3@2026-11-21T10:59:00.000Z 1.36.3>1.36.4@2026-11-21T22:00:00.000Z');
    await detect(world.deps, signal);
    expect(hopsOf(world)).toBe('1.36.3>1.36.4@2026-11-21T22:00:00.000Z');
  });

  it('are none for one that is refused, and where a night has one', async () => {
    const refused = night({
      patches: ['1.36.3'],
      minors: ['1.37.1'],
      settings: two,
      cluster: { workloads: async () => [calico] },
    });
    await detect(refused.deps, signal);
    expect(hopsOf(refused)).toBeUndefined();
    const one = night({ patches: ['1.36.3', '1.36.4'] });
    one.annotations.set(HOPS, '1.35.8>1.36.3@2026-11-21T22:00:00.000Z');
    await detect(one.deps, signal);
    expect(hopsOf(one)).toBeUndefined();
  });

  it('begin when the postflight that has closed the run before has ended, which is waited for', async () => {
    const world = night({ patches: ['1.36.3', '1.36.4'], settings: two });
    const postflight = exampleJob('k8s-upgrade-postflight-1-36-3', { status: 'active' });
    let looks = 0;
    const deps = {
      ...world.deps,
      cluster: {
        ...world.deps.cluster,
        jobs: async () => [{ ...postflight, status: ++looks < 4 ? ('active' as const) : ('complete' as const) }],
      },
    };
    expect(await detect(deps, signal)).toMatchObject({ kind: 'started', target: '1.36.4' });
    expect(world.passed()).toBe(6);
  });

  it.each([
    ['has not closed its run', { 'in-flight': NOW, target: '1.36.3' }, 0],
    ['does not end', {}, 120],
  ])('do not begin while a postflight is at work that %s', async (_, run, waited) => {
    const world = night({ patches: ['1.36.3', '1.36.4'], settings: two });
    for (const [key, value] of Object.entries(run)) world.annotations.set(`${RUN}${key}`, value);
    const name = 'k8s-upgrade-postflight-1-36-3';
    world.jobs.set(name, exampleJob(name, { status: 'active' }));
    expect(await detect(world.deps, signal)).toMatchObject({ kind: 'running', target: '1.36.3' });
    expect(world.passed()).toBe(waited);
  });
});

describe('a look while the kill switch is engaged', () => {
  it('D06 does nothing, and its gauges say only that it ran, and is paused', async () => {
    const world = night({ patches: ['1.36.3', '1.36.4'] });
    world.check.set('k8s_upgrade_available', { name: 'k8s_upgrade_available', help: '', value: 1 });
    world.configMaps.set('k8s-upgrade/k8s-upgrade-killswitch', { reason: 'holidays' });
    expect(await detect(world.deps, signal)).toEqual({
      kind: 'paused',
      reason: 'the kill switch is engaged: holidays',
    });
    expect(world.seen.changes).toEqual([]);
    expect(world.configMaps.has(STATE)).toBe(false);
    expect(loggedAt(world, 'warn')).toEqual(['the kill switch is engaged: holidays']);
    expect(gaugesOf(world)).toEqual({ k8s_upgrade_paused: 1 });
    expect(world.seen.cleared).toEqual(['k8s-version-check']);
    expect([...world.check.values()].map(({ name, value }) => [name, value])).toEqual([
      ['k8s_version_check_last_run_timestamp', NOW_SECONDS],
    ]);
  });

  it('fails when the API server is away, which is no decision', async () => {
    const away = new ClusterError('away', { status: 0, reason: 'Unreachable', unavailable: true });
    const world = night({ patches: ['1.36.3', '1.36.4'], cluster: { configMap: () => Promise.reject(away) } });
    await expect(detect(world.deps, signal)).rejects.toBe(away);
    expect(world.check.size).toBe(0);
  });
});

describe('what the log says of the look', () => {
  // The report sends people to this line.
  it.each([
    { title: 'a version', patches: ['1.36.3', '1.36.4'], found: '1.36.4', why: /newest patch of 1\.36/ },
    { title: 'none', patches: ['1.36.3'], found: 'none', why: /no newer patch/ },
    { title: 'nothing out', patches: undefined, found: 'unknown', why: /could not be looked up/ },
  ])('is what it found and why: $title', async ({ patches, found, why }) => {
    const world = night({ patches });
    await detect(world.deps, signal);
    expect(world.seen.log).toContainEqual({
      level: 'info',
      message: 'looked for a new version',
      fields: { found, why: expect.stringMatching(why) },
    });
  });
});

describe('what the gauges of the look say', () => {
  const lastRun = (world: NightWorld) => world.check.get('k8s_version_check_last_run_timestamp')?.value;
  const available = (world: NightWorld) => {
    const found = world.check.get('k8s_upgrade_available');
    return found === undefined ? undefined : { value: found.value, labels: found.labels };
  };

  it.each([
    { title: 'a patch', patches: ['1.36.3', '1.36.4'], kind: 'patch', target: '1.36.4' },
    { title: 'a minor', patches: ['1.36.3'], kind: 'minor', target: '1.37.1' },
  ])('name $title that is there', async ({ patches, kind, target }) => {
    const world = night({ patches, minors: ['1.37.1'] });
    await detect(world.deps, signal);
    expect(available(world)).toEqual({ value: 1, labels: { kind, running: '1.36.3', target } });
    expect(lastRun(world)).toBe(NOW_SECONDS);
  });

  it('say that there is nothing', async () => {
    const world = night({ patches: ['1.36.3'] });
    await detect(world.deps, signal);
    expect(available(world)).toEqual({ value: 0, labels: { kind: 'none', running: '1.36.3', target: '' } });
    expect(lastRun(world)).toBe(NOW_SECONDS);
  });

  it('say nothing of a version after a look that failed, not even what an earlier night found', async () => {
    const world = night();
    world.check.set('k8s_upgrade_available', { name: 'k8s_upgrade_available', help: '', value: 1 });
    await detect(world.deps, signal);
    expect(available(world)).toBeUndefined();
    expect(lastRun(world)).toBe(NOW_SECONDS);
    expect(world.seen.cleared).toEqual(['k8s-version-check']);
  });

  it('have the time in whole seconds', async () => {
    const clock = { now: () => new Date('2026-11-21T23:00:00.900Z'), monotonic: () => 0, sleep: async () => {} };
    const world = night({ patches: ['1.36.3'], deps: { clock } });
    await detect(world.deps, signal);
    expect(lastRun(world)).toBe(NOW_SECONDS);
  });
});

/** The version is chosen from the first look, the gate takes the second. */
function cordonedAfterTheGate(): () => Promise<readonly NodeFact[]> {
  let looks = 0;
  return async () => {
    looks += 1;
    return [controlPlane('cp-1'), worker('w-1', '1.36.3')].map((node) => ({ ...node, schedulable: looks <= 2 }));
  };
}

describe('a chain that is there already', () => {
  it('is left alone while one of its Jobs is active, whatever was found', async () => {
    const world = night({ patches: ['1.36.3', '1.36.4', '1.36.5'] });
    world.annotations.set(`${RUN}in-flight`, '2026-11-01T00:00:00Z');
    world.annotations.set(`${RUN}target`, '1.36.4');
    world.jobs.set('first', exampleJob('k8s-upgrade-master-1-36-4', { status: 'complete' }));
    world.jobs.set('second', exampleJob('k8s-upgrade-worker-1-36-4-w', { target: '1.36.4' }));
    expect(await detect(world.deps, signal)).toEqual({
      kind: 'running',
      target: '1.36.4',
      job: 'k8s-upgrade-worker-1-36-4-w',
    });
    expect(world.seen.changes).toEqual([]);
    expect(gaugesOf(world)).toEqual({});
    expect(world.annotations.get(`${RUN}in-flight`)).toBe('2026-11-01T00:00:00Z');
    expect(world.check.get('k8s_upgrade_available')?.labels).toMatchObject({ target: '1.36.5' });
  });

  it('is not started twice when another detection was faster', async () => {
    const world = night({
      patches: ['1.36.3', '1.36.4'],
      cluster: { job: async (name) => exampleJob(name) },
    });
    expect(await detect(world.deps, signal)).toEqual({
      kind: 'running',
      target: '1.36.4',
      job: 'k8s-upgrade-preflight-1-36-4',
    });
    expect(world.seen.changes).toEqual([]);
    expect(world.seen.messages).toEqual([]);
  });

  it('I08 is started again after a failed Job, which is said', async () => {
    const world = night({ patches: ['1.36.3', '1.36.4'] });
    const name = 'k8s-upgrade-preflight-1-36-4';
    world.jobs.set(name, exampleJob(name, { status: 'failed' }));
    world.jobs.set('done', exampleJob('done', { status: 'complete' }));
    expect(await detect(world.deps, signal)).toEqual({ kind: 'started', target: '1.36.4', job: name });
    expect(world.seen.changes).toEqual([`delete ${name}`, `create ${name}`]);
    expect(world.seen.messages.map(({ text }) => text)).toEqual([
      `*🔁 STARTED AGAIN — 1.36.4*\nThe Job ${name} had failed. It was deleted with its pods, and a new one goes on from where the cluster is.`,
    ]);
    expect(world.seen.log).toContainEqual({
      level: 'warn',
      message: 'starting again after failed Jobs',
      fields: { jobs: name },
    });
  });

  it('D20 is started anew for a complete preflight that led nowhere, without a message', async () => {
    const world = night({ patches: ['1.36.3', '1.36.4'] });
    const name = 'k8s-upgrade-preflight-1-36-4';
    world.jobs.set(name, exampleJob(name, { status: 'complete' }));
    expect(await detect(world.deps, signal)).toEqual({ kind: 'started', target: '1.36.4', job: name });
    expect(world.seen.changes).toEqual([`delete ${name}`, `create ${name}`]);
    expect(world.seen.messages).toEqual([]);
    expect(loggedAt(world, 'warn')).not.toContain('starting again after failed Jobs');
  });

  it('begins without the reason for which the run before it stopped', async () => {
    const world = night({ patches: ['1.36.3', '1.36.4'] });
    world.annotations.set(`${RUN}stopped`, 'blocked in preflight');
    world.annotations.set(`${RUN}stopped-at`, '2026-11-20T23:00:00Z');
    await detect(world.deps, signal);
    expect([...world.annotations.keys()]).toEqual([RECORD]);
  });

  it.each([
    ['is recorded with who started it and from what', {}, { outcome: 'running', from: '1.36.3', findings: [] }],
    [
      'is recorded as stopped when no node can run its Job, although the gate found one a moment before',
      { cluster: { nodes: cordonedAfterTheGate() } },
      { outcome: 'blocked', findings: [{ reason: 'NoNodeForJob' }] },
    ],
  ])('%s', async (_title, options: Night, expected) => {
    const world = night({ patches: ['1.36.3', '1.36.4'], ...options });
    await detect(world.deps, signal);
    const run = parseRunHistory(world.configMaps.get(`k8s-upgrade/${recordName(1)}`)?.['run'] ?? '');
    expect(run).toMatchObject({ ...expected, starts: [{ by: 'detector', who: 'pod-a', resumed: false }] });
  });
});

describe('a run that reached its version and was not closed', () => {
  interface Left {
    /** On the worker. */
    readonly node?: Partial<NodeFact>;
    readonly record?: Readonly<Record<string, string>>;
  }
  const after = ({ node, record = {} }: Left, options: Night): NightWorld => {
    const world = night({ nodes: [controlPlane('cp-1'), worker('w-1', '1.36.3', node)], ...options });
    for (const [key, value] of Object.entries(record)) world.annotations.set(`${RUN}${key}`, value);
    return world;
  };

  it.each<Left & { title: string }>([
    { title: 'a node has the mark of its step', node: { unfinished: '1.36.3' } },
    { title: 'it is recorded', record: { target: '1.36.3', 'in-flight': '2026-11-21T22:00:00Z' } },
  ])('is closed before anything newer is begun: $title', async (left) => {
    // What the gate would refuse for: it is not asked, as its target is running already.
    const cluster = { workloads: () => Promise.reject(new Error('forbidden')) };
    const world = after(left, { patches: ['1.36.3', '1.36.4'], cluster });
    expect(await detect(world.deps, signal)).toEqual({
      kind: 'started',
      target: '1.36.3',
      job: 'k8s-upgrade-preflight-1-36-3',
    });
    expect(world.seen.changes).toEqual(['create k8s-upgrade-preflight-1-36-3']);
    expect(gaugesOf(world)).toEqual('record' in left ? { k8s_upgrade_paused: 0 } : LEFT_TO_PREFLIGHT);
    expect(loggedAt(world, 'warn')).toEqual(['a run reached its version and did not finish: closing it']);
  });

  it('is closed although no source could be asked', async () => {
    const world = after({ node: { unfinished: '1.36.3' } }, { patches: undefined });
    expect(await detect(world.deps, signal)).toMatchObject({ kind: 'started', target: '1.36.3' });
  });

  it.each<Left & { title: string }>([
    { title: 'a cordon of ours', node: { schedulable: false, cordonedBy: '1.36.2' } },
    { title: 'the mark of a step to another version', node: { unfinished: '1.36.2' } },
    { title: 'a taint of ours', node: { pendingSince: '2026-11-20T23:00:00Z' } },
    { title: 'a label of ours', node: { excludedSince: '2026-11-20T23:00:00Z' } },
    { title: 'the latch of another version', record: { target: '1.36.2', 'in-flight': '2026-11-21T22:00:00Z' } },
    { title: 'a latch that leaked', record: { target: '1.36.2', 'in-flight': '2026-11-20T22:00:00Z' } },
  ])('is closed when nothing newer is published and it has left $title', async (left) => {
    const world = after(left, { patches: ['1.36.3'] });
    expect(await detect(world.deps, signal)).toMatchObject({ kind: 'started', target: '1.36.3' });
    expect(world.seen.changes).toEqual(['create k8s-upgrade-preflight-1-36-3']);
  });

  it.each<Left & { title: string }>([
    { title: 'a cordon of somebody else', node: { schedulable: false } },
    { title: 'the target of a run that is not in flight', record: { target: '1.36.2' } },
  ])('is not seen in $title', async (left) => {
    const world = after(left, { patches: ['1.36.3'] });
    expect(await detect(world.deps, signal)).toMatchObject({ kind: 'nothing', running: '1.36.3' });
    expect(world.seen.changes).toEqual([]);
  });

  it('goes on to a newer version when what is left is of neither', async () => {
    const nodes = [controlPlane('cp-1'), worker('w-1', '1.36.3', { unfinished: '1.36.4' })];
    const world = night({ patches: ['1.36.3', '1.36.4'], nodes });
    expect(await detect(world.deps, signal)).toMatchObject({ kind: 'started', target: '1.36.4' });
  });

  it('I21 is forgotten when its latch leaked: a newer version is begun', async () => {
    const world = night({ patches: ['1.36.3', '1.36.4'] });
    world.annotations.set(`${RUN}in-flight`, '2026-11-20T22:00:00Z');
    world.annotations.set(`${RUN}target`, '1.36.3');
    const failed = 'k8s-upgrade-preflight-1-36-4';
    world.jobs.set(failed, exampleJob(failed, { status: 'failed' }));
    expect(await detect(world.deps, signal)).toMatchObject({ kind: 'started', target: '1.36.4' });
    expect(world.seen.changes).toEqual([`delete ${failed}`, `create ${failed}`]);
    expect(world.seen.messages).toEqual([]);
    expect([...world.annotations.keys()]).toEqual([RECORD]);
  });
});

describe('a dry run', () => {
  it('looks and asks the gate, and starts nothing', async () => {
    const world = night({ patches: ['1.36.3', '1.36.4'], settings: { dryRun: true } });
    world.annotations.set(`${RUN}stopped`, 'blocked in preflight');
    world.jobs.set('old', exampleJob('k8s-upgrade-preflight-1-36-4', { status: 'failed' }));
    expect(await detect(world.deps, signal)).toEqual({ kind: 'dry-run', target: '1.36.4' });
    expect(world.seen.changes).toEqual([]);
    expect(world.annotations.has(`${RUN}stopped`)).toBe(true);
    expect(loggedAt(world, 'warn')).toEqual([]);
    expect(loggedAt(world, 'info')).toContain('dry run: nothing is started');
    expect(gaugesOf(world)).toEqual(NOTHING_REFUSED);
  });

  it('does not close a run', async () => {
    const nodes = [controlPlane('cp-1'), worker('w-1', '1.36.3', { unfinished: '1.36.3' })];
    const world = night({ patches: ['1.36.3', '1.36.4'], nodes, settings: { dryRun: true } });
    expect(await detect(world.deps, signal)).toEqual({ kind: 'dry-run', target: '1.36.3' });
    expect(world.seen.changes).toEqual([]);
  });
});

describe('the dates on which versions were first seen', () => {
  const recorded = (world: ExampleWorld): unknown => JSON.parse(world.configMaps.get(STATE)?.['first-seen'] ?? 'null');

  it('are written down for what both sources offer', async () => {
    const world = night({ patches: ['1.36.3', '1.36.4'], minors: ['1.37.0'] });
    await detect(world.deps, signal);
    expect(recorded(world)).toEqual({ '1.36.3': NOW, '1.36.4': NOW, '1.37.0': NOW });
  });

  it('stay as they were for versions that are known', async () => {
    const world = night({ patches: ['1.36.3', '1.36.4'] });
    world.configMaps.set(STATE, { 'first-seen': '{"1.36.3":"2026-10-01T00:00:00Z","1.36.2":"2026-09-01T00:00:00Z"}' });
    await detect(world.deps, signal);
    expect(recorded(world)).toEqual({
      '1.36.2': '2026-09-01T00:00:00Z',
      '1.36.3': '2026-10-01T00:00:00Z',
      '1.36.4': NOW,
    });
  });

  it('are not written when there is nothing to add', async () => {
    const written: string[] = [];
    const world = night({
      patches: ['1.36.3'],
      cluster: { writeConfigMap: async (_, _name, data) => void written.push(...Object.keys(data)) },
    });
    world.configMaps.set(STATE, { 'first-seen': '{"1.36.3":"2026-10-01T00:00:00Z"}' });
    await detect(world.deps, signal);
    expect(written).toEqual(['limits']);
  });

  it('are written for one source when the other could not be asked', async () => {
    const withoutApt = night({ minors: ['1.37.0', '1.37.1'] });
    await detect(withoutApt.deps, signal);
    expect(recorded(withoutApt)).toEqual({ '1.37.0': NOW, '1.37.1': NOW });

    const feed = { minor: () => Promise.reject(new NightliftError('network', 'no route')) };
    const withoutFeed = night({ patches: ['1.36.3'], deps: { feed } });
    await detect(withoutFeed.deps, signal);
    expect(recorded(withoutFeed)).toEqual({ '1.36.3': NOW });
  });

  it('I10 are not overwritten when the record cannot be read', async () => {
    const world = night({ patches: ['1.36.3', '1.36.4'] });
    world.configMaps.set(STATE, { 'first-seen': 'yesterday' });
    expect(await detect(world.deps, signal)).toMatchObject({ kind: 'started' });
    expect(world.configMaps.get(STATE)?.['first-seen']).toBe('yesterday');
    expect(loggedAt(world, 'warn')).toEqual(['could not read firstSeen']);
  });

  it('stop no night when they cannot be written', async () => {
    const world = night({
      patches: ['1.36.3', '1.36.4'],
      cluster: { writeConfigMap: () => Promise.reject(new Error('forbidden')) },
    });
    expect(await detect(world.deps, signal)).toMatchObject({ kind: 'started' });
    expect(world.seen.log).toContainEqual({
      level: 'warn',
      message: 'could not record when versions were first seen',
      fields: { error: 'forbidden' },
    });
  });
});

describe('gateAndStart', () => {
  it('starts preflight when the gate has nothing against it', async () => {
    const world = exampleWorld();
    expect(await gateAndStart(world.deps, '1.36.4', [], signal)).toEqual({
      kind: 'started',
      target: '1.36.4',
      job: 'k8s-upgrade-preflight-1-36-4',
    });
    expect(world.seen.changes).toEqual(['create k8s-upgrade-preflight-1-36-4']);
    expect(Object.fromEntries(world.seen.gauges)).toEqual(LEFT_TO_PREFLIGHT);
  });

  it('I19 is blocked by what somebody can clear, and says so with the gauge of a block', async () => {
    const away = new NightliftError('network', 'Prometheus is away');
    const alerts = {
      active: () => Promise.reject(away),
      deprecatedApis: () => Promise.reject(away),
      apiServers: () => Promise.reject(away),
      targetsUp: () => Promise.reject(away),
    };
    const world = exampleWorld({ deps: { alerts } });
    expect(await gateAndStart(world.deps, '1.37.1', [], signal)).toMatchObject({ kind: 'refused', verdict: 'blocked' });
    expect(world.seen.changes).toEqual([]);
    expect(Object.fromEntries(world.seen.gauges)).toEqual({
      k8s_upgrade_blocked: 1,
      k8s_upgrade_held: 0,
      k8s_upgrade_findings: 1,
    });
  });

  it('I19 is held by what has to be waited for, and raises no alert', async () => {
    const world = exampleWorld({ cluster: { workloads: async () => [calico] } });
    expect(await gateAndStart(world.deps, '1.37.1', [], signal)).toMatchObject({
      kind: 'refused',
      target: '1.37.1',
      verdict: 'held',
      findings: [{ check: 'addon-compat', class: 'waiting', severity: 'block' }],
    });
    expect(world.seen.changes).toEqual([]);
    expect(gaugesOf(world)).toMatchObject({ k8s_upgrade_blocked: 0, k8s_upgrade_held: 1 });
  });

  it('I19 D12 raises no alert on a held night, also when there is work to do meanwhile', async () => {
    const world = exampleWorld({ cluster: { workloads: async () => [calico, kured] } });
    const detection = await gateAndStart(world.deps, '1.37.1', [], signal);
    expect(detection).toMatchObject({ kind: 'refused', verdict: 'held' });
    expect(detection.kind === 'refused' ? detection.findings.map((finding) => finding.class).toSorted() : []).toEqual([
      'actionable',
      'waiting',
    ]);
    expect(gaugesOf(world)).toMatchObject({ k8s_upgrade_blocked: 0, k8s_upgrade_held: 1 });
  });

  const oldRuntime = { containerRuntime: 'containerd://1.6.8' };
  it('logs what the gate warns of, and starts', async () => {
    const world = exampleWorld({ nodes: [controlPlane('cp-1', '1.36.3', oldRuntime), worker('w-1')] });
    expect(await gateAndStart(world.deps, '1.37.1', [], signal)).toMatchObject({ kind: 'started' });
    expect(loggedAt(world, 'warn')).toEqual(['RuntimeTooOld']);
    expect(loggedAt(world, 'error')).toEqual([]);
  });

  it('refuses for what blocks alone, and logs each finding once', async () => {
    const world = exampleWorld({
      nodes: [controlPlane('cp-1', '1.36.3', oldRuntime), worker('w-1')],
      cluster: { workloads: async () => [calico] },
    });
    const detection = await gateAndStart(world.deps, '1.37.1', [], signal);
    expect(detection).toMatchObject({ kind: 'refused', findings: [{ check: 'addon-compat' }] });
    expect(loggedAt(world, 'warn')).toEqual(['RuntimeTooOld']);
    expect(loggedAt(world, 'error')).toHaveLength(1);
  });

  it('writes down what the nodes have said, which the report cannot ask again, and nothing else', async () => {
    const nodes = [controlPlane('cp-1'), worker('w-1'), worker('w-2', undefined, { internalIp: null })];
    const world = exampleWorld({ nodes, cluster: { workloads: async () => [calico] } });
    const detection = await gateAndStart(world.deps, '1.37.1', [], signal);
    expect(detection).toMatchObject({
      findings: [{ check: 'addon-compat' }, { check: 'node-survey', reason: 'NodeSilent' }, { check: 'nodes-ready' }],
    });
    expect(world.annotations.get(`${RUN}stopped`)).toMatch(
      /^before it was begun: nodes [^;]*: w-2 \(reaching node w-2: /,
    );
    world.annotations.clear();
    world.nodes = nodes.slice(0, 2);
    await gateAndStart(world.deps, '1.37.1', [], signal);
    expect(world.annotations.size).toBe(0);
  });

  it('D06 starts nothing when it was paused while a node was waited for', async () => {
    const world = exampleWorld({ nodes: [controlPlane('cp-1'), worker('w-1')] });
    const shell: NodeShell = {
      ...world.deps.shell,
      run: (node, script, given) =>
        world.passed() < 60 && node.name === 'w-1'
          ? Promise.reject(new NightliftError('network', 'connecting to w-1: no route'))
          : world.deps.shell.run(node, script, given),
    };
    void world.clock.sleep(45_000).then(() => engageKillSwitch(world));
    expect(await gateAndStart({ ...world.deps, shell }, '1.36.4', [], signal)).toEqual({
      kind: 'paused',
      reason: 'the kill switch is engaged: holidays',
    });
    expect(world.seen.created).toEqual([]);
  });

  it('leaves the nodes to preflight when it is started from elsewhere, where nobody has their key', async () => {
    const world = exampleWorld({ deps: { inCluster: false, shell: exampleShell({}) } });
    expect(await gateAndStart(world.deps, '1.36.4', [], signal)).toMatchObject({ kind: 'started' });
    const left = world.seen.log.find(({ message }) => message.startsWith('some checks are left to preflight'));
    expect(left?.fields['checks']).toMatch(/^node-survey, .*leftovers, permissions$/);
  });

  it('refuses for everything that preflight would refuse for, and writes down what may be gone by the morning', async () => {
    const firing = { ...exampleWorld().deps.alerts, active: async () => [exampleAlert('KubeAPIDown')] };
    const nodes = [controlPlane('cp-1'), worker('w-1'), worker('w-2', undefined, { ready: 'no' })];
    const world = exampleWorld({ nodes, deps: { alerts: firing } });
    expect(await gateAndStart(world.deps, '1.36.4', [], signal)).toMatchObject({
      kind: 'refused',
      verdict: 'blocked',
      findings: [{ check: 'nodes-ready' }, { check: 'firing-alerts' }],
    });
    expect(world.annotations.get(`${RUN}stopped`)).toMatch(/^before it was begun: .*w-2.*; .*KubeAPIDown/);
    expect(world.seen.created).toEqual([]);
  });

  it('I20 is blocked when no node can run the Job', async () => {
    const away = { schedulable: false };
    const world = exampleWorld({ nodes: [controlPlane('cp-1', '1.36.3', away), worker('w-1', '1.36.3', away)] });
    expect(await gateAndStart(world.deps, '1.36.4', [], signal)).toMatchObject({
      kind: 'refused',
      target: '1.36.4',
      verdict: 'blocked',
      findings: [{ reason: 'NoNodeForJob' }],
    });
    expect(gaugesOf(world)).toMatchObject({ k8s_upgrade_blocked: 1, k8s_upgrade_held: 0 });
    expect(loggedAt(world, 'error')).toEqual(['NoNodeForJob']);
  });

  describe('of a cluster of one node', () => {
    const one = [controlPlane('cp-1')];
    const without = { drain: { mode: 'patch-without' } };

    it('I20 is blocked before anything is begun, as it would be drained', async () => {
      const world = exampleWorld({ nodes: one });
      expect(await gateAndStart(world.deps, '1.36.4', [], signal)).toMatchObject({
        kind: 'refused',
        verdict: 'blocked',
        findings: [{ check: 'placement', reason: 'NoNodeForJob' }],
      });
      expect(world.seen.changes).toEqual([]);
      expect(world.annotations.get(`${RUN}stopped`)).toMatch(/^before it was begun: No node can run the Job of master/);
    });

    it('starts for a patch without a drain, with a warning, and is blocked for a minor', async () => {
      const world = exampleWorld({ nodes: one, settings: without });
      expect(await gateAndStart(world.deps, '1.36.4', [], signal)).toMatchObject({ kind: 'started' });
      expect(loggedAt(world, 'warn')).toContain('WithoutDrain');
      const minor = exampleWorld({ nodes: one, settings: without });
      const refused = await gateAndStart(minor.deps, '1.37.1', [], signal);
      expect(refused).toMatchObject({ kind: 'refused' });
      expect(refused.kind === 'refused' ? refused.findings.map(({ reason }) => reason) : []).toContain('NoNodeForJob');
    });
  });

  it('fails when the Job cannot be made, which is no refusal', async () => {
    const forbidden = new ClusterError('forbidden', { status: 403, reason: 'Forbidden' });
    const world = exampleWorld({ cluster: { createJob: () => Promise.reject(forbidden) } });
    await expect(gateAndStart(world.deps, '1.36.4', [], signal)).rejects.toBe(forbidden);
  });
});

describe('the limits of a night', () => {
  const limitsOf = (world: ExampleWorld) => JSON.parse(world.configMaps.get(STATE)?.['limits'] ?? 'null') as unknown;
  const look = async (settings: object, configMaps: ExampleWorld['configMaps'] = new Map()) => {
    const world = night({ patches: ['1.36.3'], settings });
    for (const [name, data] of configMaps) world.configMaps.set(name, data);
    await detect(world.deps, signal);
    return world;
  };

  it('are recorded by the first look, and stay as they are while they are the same', async () => {
    const first = await look({ dryRun: true });
    expect(limitsOf(first)).toMatchObject({ values: { dryRun: 'true', window: 'none' }, before: null, changedAt: NOW });
    const second = await look({ dryRun: true }, first.configMaps);
    expect(limitsOf(second)).toEqual(limitsOf(first));
    expect(loggedAt(second, 'warn')).toEqual([]);
  });

  it('are said aloud by the look that finds others, with what they were', async () => {
    const second = await look({}, (await look({ dryRun: true, target: { ceiling: '1.36' } })).configMaps);
    expect(limitsOf(second)).toMatchObject({
      values: { dryRun: 'false', 'target.ceiling': 'none' },
      before: { dryRun: 'true', 'target.ceiling': '1.36' },
    });
    expect(second.seen.log.find(({ message }) => message.includes('limits'))?.fields).toEqual({
      changes: 'dryRun: true → false; target.ceiling: 1.36 → none',
    });
  });

  it('are recorded anew when their record is damaged, and a look does not fail over it', async () => {
    const world = await look({}, new Map([[STATE, { limits: '{"values":7}' }]]));
    expect(limitsOf(world)).toMatchObject({ values: { dryRun: 'false' }, before: null });
    expect(loggedAt(world, 'warn')).toEqual(['the limits of the last night are not known']);
  });
});
