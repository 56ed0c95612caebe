import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseTarget } from '../detect/choose-target.ts';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import type { Facts, GaugeFact, JobFact } from '../facts/facts.ts';
import type { LastLook } from '../facts/last-look.ts';
import { gateChecks } from '../gate/checks.ts';
import { evaluateGate } from '../gate/evaluate-gate.ts';
import { exampleOptions } from '../gate/example-options.ts';
import { known, unknown } from '../observed.ts';
import {
  composeReport,
  NOT_LOOKED,
  plainReport,
  type Report,
  type ReportDecision,
  type ReportOptions,
  reportTarget,
} from './compose-report.ts';

const policy = { ceiling: '', skip: [], minimumAgeHours: 0, firstPatchOfMinor: 1 };
const NOW = Date.parse('2026-11-21T06:07:00Z');

const gauge = (name: string, value: number, labels: Record<string, string> = {}): GaugeFact => ({
  name,
  labels,
  value,
});
const secondsAgo = (hours: number): number => NOW / 1000 - hours * 3600;
const at = (hoursAgo: number): string => new Date(NOW - hoursAgo * 3_600_000).toISOString();

function gauges(target: string | null, more: GaugeFact[] = [], hours = 7.1): Pick<Facts, 'gauges'> {
  const available =
    target === null
      ? gauge('k8s_upgrade_available', 0, { kind: 'none', running: '1.36.3', target: '' })
      : gauge('k8s_upgrade_available', 1, {
          kind: target.startsWith('1.36') ? 'patch' : 'minor',
          running: '1.36.3',
          target,
        });
  return { gauges: known([available, gauge('k8s_version_check_last_run_timestamp', secondsAgo(hours)), ...more]) };
}

function job(phase: string, node: string | null, hoursAgo: number, fields: Partial<JobFact> = {}): JobFact {
  const tail = node === null || node === 'cp-1' ? '' : `-${node}`;
  return {
    name: `k8s-upgrade-${phase}-1-36-4${tail}`,
    phase,
    target: '1.36.4',
    node,
    runner: 'worker-1',
    status: 'complete',
    reason: '',
    createdAt: at(hoursAgo),
    finishedAt: fields.status === 'active' ? null : at(hoursAgo - 0.2),
    ...fields,
  };
}

const published: Partial<Facts> = {
  patchReleases: known({ minor: '1.36', source: 'apt on cp-1', versions: ['1.36.3', '1.36.4'] }),
};
const nextMinor: Partial<Facts> = {
  nextMinorReleases: known({ minor: '1.37', source: 'feed', versions: ['1.37.0', '1.37.1'] }),
};
const halfDone: Partial<Facts> = {
  apiServer: known('1.36.4'),
  nodes: known([exampleNode('cp-1', { kubelet: '1.36.4' }), exampleNode('worker-1'), exampleNode('worker-2')]),
};
const night = [
  job('preflight', null, 7),
  job('master', 'cp-1', 6.7),
  job('worker', 'worker-1', 6),
  job('worker', 'worker-2', 5),
  job('postflight', null, 4),
];
const NO_PUSHGATEWAY: Partial<Facts> = { gauges: unknown('reading the gauges: pushgatewayUrl is not set') };
const look = (fields: Partial<LastLook>): Facts['lastLook'] =>
  known({ at: at(7.1), outcome: 'nothing', target: null, reason: '', verdict: null, findings: [], ...fields });
const waiting: Partial<Facts> = {
  workloads: known([
    { kind: 'DaemonSet', namespace: 'kube-system', name: 'calico-node', images: ['quay.io/calico/node:v3.32.1'] },
    { kind: 'DaemonSet', namespace: 'kube-system', name: 'kured', images: ['ghcr.io/kubereboot/kured:1.22.0'] },
    { kind: 'Deployment', namespace: 'kube-system', name: 'gadget', images: ['acme/gadget:1'] },
  ]),
};

function report(fields: Partial<Facts>, version = '1.36.3', matrix = exampleOptions().addons.matrix): Report {
  const facts = exampleFacts(fields, version);
  const choice = chooseTarget(facts, policy);
  const target = reportTarget(facts, choice);
  const options = exampleOptions({ addons: { matrix, untested: 'block' } });
  return composeReport(facts, {
    choice,
    gate: target === null ? null : evaluateGate(facts, target, gateChecks, options),
  });
}

const CASES: readonly {
  name: string;
  outcome: string;
  headline: RegExp;
  facts: Partial<Facts>;
  version?: string;
  pinned?: true;
}[] = [
  { name: 'nothing', outcome: 'nothing', headline: /^⚪ No upgrade needed$/, facts: gauges(null) },
  {
    name: 'nothing-stale',
    outcome: 'nothing',
    headline: /^⚠️ Detector did not run last night — ⚪ No upgrade needed$/,
    facts: gauges(null, [], 55),
  },
  {
    name: 'upgraded',
    outcome: 'upgraded',
    headline: /^🟢 UPGRADED — all nodes now on 1\.36\.4$/,
    version: '1.36.4',
    facts: { ...gauges('1.36.4'), chainJobs: known(night) },
  },
  {
    // The gate let the next one through, and preflight refused it.
    name: 'upgraded-and-the-next-refused-by-preflight',
    outcome: 'blocked',
    headline: /^🔴 BLOCKED \(action needed\) — 1\.36\.5$/,
    version: '1.36.4',
    facts: {
      ...gauges('1.36.5', [gauge('k8s_upgrade_blocked', 1)]),
      patchReleases: known({ minor: '1.36', source: 'apt on cp-1', versions: ['1.36.4', '1.36.5'] }),
      chainJobs: known([
        ...night,
        job('preflight', null, 2, { name: 'k8s-upgrade-preflight-1-36-5', target: '1.36.5' }),
      ]),
      run: known({
        startedAt: null,
        target: null,
        snapshotPath: null,
        stopped: 'blocked in preflight: worker-2 is not Ready',
        stoppedAt: at(2),
        stoppedAs: 'blocked',
        stoppedStep: 'preflight',
      }),
    },
  },
  {
    // A run that had set its latch the night before, and preflight refuses to go on with it.
    name: 'refused-with-the-latch-set',
    outcome: 'blocked',
    headline: /^🔴 BLOCKED \(action needed\) — 1\.36\.4$/,
    facts: {
      ...gauges('1.36.4', [
        gauge('k8s_upgrade_blocked', 1),
        gauge('k8s_upgrade_in_flight', 1),
        gauge('k8s_upgrade_started_timestamp', secondsAgo(7)),
      ]),
      ...published,
      chainJobs: known([job('preflight', null, 7)]),
      run: known({
        startedAt: at(7),
        target: '1.36.4',
        snapshotPath: null,
        stopped: 'blocked in preflight: worker-2 is not Ready',
        // By the clock of a node that is behind.
        stoppedAt: at(7 + 20 / 3600),
      }),
    },
  },
  {
    name: 'upgraded-and-the-next-held',
    outcome: 'upgraded',
    headline: /^🟢 UPGRADED — all nodes now on 1\.36\.4$/,
    version: '1.36.4',
    facts: {
      ...gauges('1.37.1', [gauge('k8s_upgrade_held', 1)]),
      ...waiting,
      patchReleases: known({ minor: '1.36', source: 'apt on cp-1', versions: ['1.36.4'] }),
      nextMinorReleases: known({ minor: '1.37', source: 'feed', versions: ['1.37.1'] }),
      chainJobs: known(night),
    },
  },
  {
    name: 'blocked-by-everything',
    outcome: 'blocked',
    headline: /^🔴 BLOCKED \(action needed\) — 1\.37\.1$/,
    facts: {
      ...gauges('1.37.1', [gauge('k8s_upgrade_blocked', 1)]),
      ...nextMinor,
      nodes: known([exampleNode('cp-1'), exampleNode('worker-1', { containerRuntime: 'containerd://1.6.8' })]),
      deprecatedApis: known([
        { group: 'networking.k8s.io', version: 'v1beta1', resource: 'servicecidrs', removedRelease: '1.37' },
      ]),
      workloads: known([
        { kind: 'DaemonSet', namespace: 'kube-system', name: 'kured', images: ['kubereboot/kured:1.22.0'] },
      ]),
    },
  },
  {
    name: 'held-with-work',
    outcome: 'held',
    headline: /^⏸️ HELD — 1\.37\.1 not yet upgradable$/,
    facts: { ...gauges('1.37.1', [gauge('k8s_upgrade_held', 1)]), ...nextMinor, ...waiting },
  },
  {
    name: 'pinned',
    outcome: 'held',
    headline: /^⏸️ HELD — 1\.37\.1/,
    facts: { ...gauges('1.37.1'), ...nextMinor, ...waiting },
    pinned: true,
  },
  {
    name: 'refused-by-preflight',
    outcome: 'blocked',
    headline: /^🔴 BLOCKED \(action needed\) — 1\.36\.4$/,
    facts: {
      ...gauges('1.36.4', [gauge('k8s_upgrade_blocked', 1)]),
      ...published,
      chainJobs: known([job('preflight', null, 7)]),
    },
  },
  {
    name: 'gate-passed',
    outcome: 'in-progress',
    headline: /^🟡 IN PROGRESS \/ gate passed for 1\.36\.4$/,
    facts: { ...gauges('1.36.4'), ...published },
  },
  {
    name: 'in-progress',
    outcome: 'in-progress',
    headline: /^🟡 IN PROGRESS \/ gate passed for 1\.36\.4$/,
    facts: {
      ...gauges('1.36.4'),
      ...halfDone,
      chainJobs: known([...night.slice(0, 2), job('worker', 'worker-1', 0.3, { status: 'active' })]),
    },
  },
  {
    name: 'failed-half-done',
    outcome: 'failed',
    headline: /^🔴 FAILED — worker worker-1 for 1\.36\.4$/,
    facts: {
      ...gauges('1.36.4'),
      ...halfDone,
      chainJobs: known([
        ...night.slice(0, 2),
        job('worker', 'worker-1', 6, { status: 'failed', reason: 'BackoffLimitExceeded' }),
      ]),
    },
  },
  {
    // It could not write down why: what is written there is of the Job that it replaced.
    name: 'failed-after-a-note-of-another-run',
    outcome: 'failed',
    headline: /^🔴 FAILED — preflight for 1\.36\.4$/,
    facts: {
      ...gauges('1.36.4'),
      ...published,
      chainJobs: known([job('preflight', null, 6, { status: 'failed', reason: 'BackoffLimitExceeded' })]),
      run: known({
        startedAt: null,
        target: null,
        snapshotPath: null,
        stopped: 'failed in preflight: the SSH key of worker-2 is not accepted',
        stoppedAt: at(9),
      }),
    },
  },
  {
    name: 'half-done-without-jobs',
    outcome: 'failed',
    headline: /^🔴 FAILED — half-done at 1\.36\.4, and no chain Job is active$/,
    facts: { ...gauges(null), ...halfDone },
  },
  {
    name: 'postflight-missing',
    outcome: 'failed',
    headline: /^🔴 FAILED — postflight for 1\.36\.4 did not complete$/,
    version: '1.36.4',
    facts: { ...gauges('1.36.4'), chainJobs: known(night.slice(0, 4)) },
  },
  {
    name: 'stopped-in-flight',
    outcome: 'failed',
    headline: /^🔴 FAILED — the run stopped/,
    facts: {
      ...gauges('1.36.4', [gauge('k8s_upgrade_in_flight', 1), gauge('k8s_upgrade_started_timestamp', secondsAgo(7))]),
      ...published,
    },
  },
  {
    name: 'paused-half-done',
    outcome: 'paused',
    headline: /^🛑 PAUSED — holidays, ask &lt;ops&gt;$/,
    facts: { ...gauges('1.36.4'), ...halfDone, killSwitch: known({ engaged: true, reason: 'holidays, ask <ops>' }) },
  },
  {
    name: 'gauges-unknown',
    outcome: 'unknown',
    headline: /^⚠️ It is not known whether the detector ran — ❔ UNKNOWN — what the last run found cannot be read$/,
    facts: { gauges: unknown('connect ECONNREFUSED') },
  },
  {
    // Somebody has upgraded by hand since; no look just now.
    name: 'target-overtaken',
    outcome: 'unknown',
    headline: /^❔ UNKNOWN — nobody could find out whether there is a new version$/,
    version: '1.36.5',
    facts: { ...gauges('1.36.4'), apiServer: unknown('it was not asked for') },
  },
  {
    name: 'target-overtaken-by-a-minor-and-stale',
    outcome: 'unknown',
    headline: /^⚠️ Detector did not run last night — ❔ UNKNOWN — /,
    version: '1.37.0',
    facts: { ...gauges('1.36.9', [], 833), apiServer: unknown('it was not asked for') },
  },
  {
    name: 'stale-and-blocked-before',
    outcome: 'blocked',
    headline: /^⚠️ Detector did not run last night — 🔴 BLOCKED \(action needed\) — 1\.36\.4$/,
    facts: { ...gauges('1.36.4', [gauge('k8s_upgrade_blocked', 1)], 55), ...published },
  },
  {
    name: 'half-done-and-refused',
    outcome: 'failed',
    headline: /^🔴 FAILED — half-done at 1\.37\.1, and no chain Job is active$/,
    facts: {
      ...gauges('1.37.1'),
      apiServer: known('1.37.1'),
      nodes: known([exampleNode('cp-1', { kubelet: '1.37.1' }), exampleNode('worker-1')]),
      workloads: known([
        { kind: 'DaemonSet', namespace: 'kube-system', name: 'kured', images: ['kubereboot/kured:1.22.0'] },
      ]),
    },
  },
  {
    name: 'without-a-pushgateway-nothing',
    outcome: 'nothing',
    headline: /^⚪ No upgrade needed$/,
    facts: { ...NO_PUSHGATEWAY, lastLook: look({ outcome: 'nothing', reason: 'no newer patch' }) },
  },
  {
    name: 'without-a-pushgateway-refused-by-preflight',
    outcome: 'held',
    headline: /^⏸️ HELD — 1\.36\.4 not yet upgradable$/,
    facts: {
      ...NO_PUSHGATEWAY,
      ...published,
      lastLook: look({ outcome: 'started', target: '1.36.4' }),
      chainJobs: known([job('preflight', null, 7)]),
      run: known({
        startedAt: null,
        target: null,
        snapshotPath: null,
        stopped: 'held in preflight: a release of calico has to come first',
        stoppedAt: at(6.9),
        stoppedAs: 'held',
        stoppedStep: 'preflight',
      }),
    },
  },
  {
    name: 'dry-run',
    outcome: 'in-progress',
    headline: /^🟡 IN PROGRESS \/ gate passed for 1\.36\.4$/,
    facts: {
      ...NO_PUSHGATEWAY,
      ...published,
      lastLook: look({ outcome: 'dry-run', target: '1.36.4' }),
      limits: known({ values: { dryRun: 'true' }, before: null, changedAt: at(100) }),
    },
  },
  {
    // The drain gave up on worker-1, and put it back.
    name: 'refused-and-taken-back',
    outcome: 'blocked',
    headline: /^🔴 BLOCKED \(action needed\) — 1\.36\.4$/,
    facts: {
      ...gauges('1.36.4', [gauge('k8s_upgrade_blocked', 1)]),
      ...halfDone,
      chainJobs: known(night.slice(0, 3)),
      run: known({
        startedAt: at(7),
        target: '1.36.4',
        snapshotPath: null,
        stopped: 'blocked in worker worker-1: budget shop/web lets no pod go',
        stoppedAt: at(5.8),
        stoppedAs: 'blocked',
        stoppedStep: 'worker worker-1',
        takenBack: ['cordon'],
      }),
    },
  },
  {
    name: 'nodes-unknown',
    outcome: 'unknown',
    headline: /UNKNOWN — the running versions could not be read$/,
    facts: { ...gauges('1.36.4'), nodes: unknown('503 Service Unavailable') },
  },
];

describe('the nightly report', () => {
  it.each(CASES)('says $name as a person reads it', async ({ name, outcome, headline, facts, version, pinned }) => {
    const matrix = exampleOptions().addons.matrix;
    const addons = matrix.addons.map((addon) =>
      addon.name === 'calico' ? { ...addon, pinned: true, reason: 'eBPF bug in 3.33' } : addon,
    );
    const message = report(facts, version, pinned ? { addons } : matrix);
    expect(message.outcome).toBe(outcome);
    expect(message.text.split('\n')[0]?.replace(/^\*(.*)\*$/, '$1')).toMatch(headline);
    await expect(`${plainReport(message.text)}\n`).toMatchFileSnapshot(`../../test/golden/report/${name}.txt`);
  });

  it('D12 lists actionable work of a held night beside what it waits for', () => {
    const { text } = report({ ...gauges('1.37.1'), ...nextMinor, ...waiting });
    expect(text).toMatch(/\*Action needed:\*[^*]*kured[^*]*\*Waiting on upstream:\*[^*]*calico/);
  });

  it('D06 takes a kill switch that cannot be read for an engaged one', () => {
    expect(report({ ...gauges(null), killSwitch: unknown('forbidden') }).outcome).toBe('paused');
  });

  it('I08 keeps a half-done failure red however old it is', () => {
    const old = job('worker', 'worker-1', 120, { status: 'failed', reason: 'BackoffLimitExceeded' });
    expect(report({ ...gauges(null), ...halfDone, chainJobs: known([old]) }).outcome).toBe('failed');
  });

  it('forgets a failure that a later finished run made good', () => {
    const failure = job('preflight', null, 20, { status: 'failed', name: 'k8s-upgrade-preflight-1-36-4' });
    expect(report({ ...gauges('1.36.4'), chainJobs: known([failure, ...night]) }, '1.36.4').outcome).toBe('upgraded');
  });

  it('I21 does not call a leaked latch of last week a failed run', () => {
    const latch = [gauge('k8s_upgrade_in_flight', 1), gauge('k8s_upgrade_started_timestamp', secondsAgo(170))];
    expect(report(gauges(null, latch)).outcome).toBe('nothing');
  });

  it('does not say that nothing is needed when the chain Jobs cannot be read', () => {
    expect(report({ ...gauges(null), chainJobs: unknown('forbidden') }).outcome).toBe('unknown');
  });

  it('takes the word of a fresh detector when the report itself cannot ask apt', () => {
    const blind = { patchReleases: unknown('no SSH key'), nextMinorReleases: unknown('no route') };
    expect(report({ ...gauges(null), ...blind }).outcome).toBe('nothing');
    expect(report({ ...gauges('1.36.4'), ...blind }).outcome).toBe('in-progress');
    expect(report({ ...gauges(null, [], 30), ...blind }).outcome).toBe('unknown');
  });

  it('names what is left out, in one line, and counts it in no "all nodes"', () => {
    const other = (name: string) => ({ name, kubelet: 'v1.36.3', why: 'it runs Windows' });
    const facts = exampleFacts({ otherNodes: known(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(other)) });
    const { text } = composeReport(facts, { choice: NOT_LOOKED, gate: null }, { namespace: 'upgrades' });
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name} (it runs Windows)`).join(', ');
    expect(text).toContain(`\nLeft out: ${all} and 2 more\n`);
    expect(
      composeReport(exampleFacts(), { choice: NOT_LOOKED, gate: null }, { namespace: 'upgrades' }).text,
    ).not.toContain('Left out');
  });

  it('says where to read why the detector could not look', () => {
    const facts = exampleFacts({ gauges: known([gauge('k8s_version_check_last_run_timestamp', secondsAgo(1))]) });
    const { outcome, text } = composeReport(facts, { choice: NOT_LOOKED, gate: null }, { namespace: 'upgrades' });
    expect(outcome).toBe('unknown');
    expect(text).toContain(
      "Read why: `kubectl -n upgrades logs -l app=k8s-version-upgrade --tail=-1 | grep -E 'could not read|looked for'`.",
    );
  });

  it('does not let the gate pass for a version that is running everywhere', () => {
    const blind = { patchReleases: unknown('no SSH key') };
    expect(report({ ...gauges('1.36.4', [], 60), ...blind }, '1.36.4').outcome).toBe('unknown');
  });

  it('D23 never reads as success or as nothing to do when the gauges or the live look are unknown', () => {
    const unreadable = {
      gauges: unknown('refused'),
      nodes: unknown('refused'),
      chainJobs: unknown('refused'),
      patchReleases: unknown('refused'),
    };
    fc.assert(
      fc.property(fc.subarray(Object.keys(unreadable) as (keyof typeof unreadable)[], { minLength: 1 }), (parts) => {
        const message = report({
          ...gauges(null, [], 30),
          ...Object.fromEntries(parts.map((part) => [part, unreadable[part]])),
        });
        expect(['nothing', 'upgraded', 'in-progress']).not.toContain(message.outcome);
      }),
    );
  });

  it('keeps to the limits of Slack and says what it left out', () => {
    const workloads = Array.from({ length: 400 }, (_, index) => ({
      group: 'policy',
      version: 'v1beta1',
      resource: `things${index}`,
      removedRelease: '1.37',
    }));
    const { blocks, text } = report({ ...gauges('1.37.1'), ...nextMinor, deprecatedApis: known(workloads) });
    expect(blocks.length).toBeLessThanOrEqual(50);
    for (const block of blocks) expect(block.text.text.length).toBeLessThanOrEqual(3000);
    expect(text).toMatch(/… and \d+ more: `nightlift report --dry-run` shows all of it/);
  });

  it('escapes what comes from outside and shows it unescaped in a terminal', () => {
    const { text } = report({ ...gauges(null), killSwitch: known({ engaged: true, reason: '<!channel> a & b' }) });
    expect(text).toContain('&lt;!channel&gt; a &amp; b');
    expect(plainReport(text)).toContain('PAUSED — <!channel> a & b');
  });
});

describe('the lines of the report', () => {
  const lines = (fields: Partial<Facts>, decision: Partial<ReportDecision> = {}, options?: ReportOptions): string[] =>
    composeReport(exampleFacts(fields), { choice: NOT_LOOKED, gate: null, ...decision }, options).text.split('\n');
  const line = (start: string, ...report: Parameters<typeof lines>): string[] =>
    lines(...report).filter((text) => text.startsWith(start));

  it.each<{ title: string; facts: Partial<Facts>; want: string }>([
    { title: 'of one version', facts: {}, want: 'Running: *1.36.3* (all 3 nodes uniform)' },
    {
      title: 'of a half-done upgrade',
      facts: halfDone,
      want: 'Running: *MIXED* (API server 1.36.4; kubelets: 1.36.4 on cp-1; 1.36.3 on worker-1, worker-2)',
    },
    {
      title: 'of API servers that differ',
      facts: { nodes: known([exampleNode('cp-1', { kubelet: '1.36.4' }), exampleNode('cp-2')]) },
      want: 'Running: *MIXED* (API servers 1.36.3 to 1.36.4; kubelets: 1.36.4 on cp-1; 1.36.3 on cp-2)',
    },
    {
      title: 'of API servers that cannot be seen',
      facts: { nodes: known([exampleNode('cp-1', { apiServer: null })]) },
      want: 'Running: unknown: the version of the API server on cp-1 could not be read: it has no kube-apiserver pod; kubelets: 1.36.3 on cp-1',
    },
    {
      title: 'of nodes that cannot be read',
      facts: { nodes: unknown('<html> 503') },
      want: 'Running: unknown: the nodes could not be read: &lt;html&gt; 503',
    },
    { title: 'of no nodes', facts: { nodes: known([]) }, want: 'Running: unknown: the list of nodes is empty' },
  ])('say what runs: $title', ({ facts, want }) => {
    expect(line('Running: ', facts)).toEqual([want]);
  });

  it.each<{ title: string; facts: Partial<Facts>; options?: ReportOptions; want: string; warned: boolean }>([
    {
      title: 'as late as it may be',
      facts: gauges(null, [], 25),
      want: 'Detector: last ran 1 d 1 h ago, fresh ✓',
      warned: false,
    },
    {
      title: 'later',
      facts: gauges(null, [], 25.1),
      want: 'Detector: last ran 1 d 1 h ago, STALE ⚠️',
      warned: true,
    },
    {
      title: 'later than the options allow',
      facts: gauges(null, [], 3),
      options: { staleHours: 2 },
      want: 'Detector: last ran 3 h ago, STALE ⚠️',
      warned: true,
    },
    {
      title: 'nobody knows when',
      facts: { gauges: unknown('<refused>') },
      want: 'Detector: last run unknown ⚠️ (the Pushgateway could not be read: &lt;refused&gt;)',
      warned: true,
    },
  ])('say when the detector looked: $title', ({ facts, options, want, warned }) => {
    expect(line('Detector: ', facts, {}, options)).toEqual([want]);
    expect(line('*⚠️ ', facts, {}, options)).toHaveLength(warned ? 1 : 0);
  });

  const none = { kind: 'none', running: '1.36.3', why: 'nothing' } as const;
  const patch = { kind: 'target', version: '1.36.4', jump: 'patch', running: '1.36.3', why: 'newest' } as const;
  const failedLook = { kind: 'unknown', why: 'no <SSH> key' } as const;
  const WHY = 'the Pushgateway has no result of the detector';
  it.each<{ title: string; target?: string | null; choice: ReportDecision['choice']; want: string }>([
    { title: 'both found it', target: '1.36.4', choice: patch, want: '*1.36.4* (patch)' },
    { title: 'both found nothing', target: null, choice: none, want: 'none' },
    { title: 'it came since', target: null, choice: patch, want: 'none; found now: *1.36.4* (patch)' },
    {
      title: 'a newer one came since',
      target: '1.37.1',
      choice: patch,
      want: '*1.37.1* (minor); found now: *1.36.4* (patch)',
    },
    { title: 'it is gone', target: '1.36.4', choice: none, want: '*1.36.4* (patch); found now: nothing newer' },
    { title: 'nobody looked since', target: '1.36.4', choice: NOT_LOOKED, want: '*1.36.4* (patch)' },
    { title: 'nobody looked since, and there was none', target: null, choice: NOT_LOOKED, want: 'none' },
    {
      title: 'the look since failed',
      target: '1.36.4',
      choice: failedLook,
      want: '*1.36.4* (patch) (a look just now failed: no &lt;SSH&gt; key)',
    },
    { title: 'only the look since says something', choice: patch, want: 'unknown; found now: *1.36.4* (patch)' },
    { title: 'only the look since says nothing', choice: none, want: 'unknown; found now: nothing newer' },
    { title: 'no look says anything', choice: failedLook, want: `unknown (${WHY})` },
    { title: 'no look was made', choice: NOT_LOOKED, want: `unknown (${WHY})` },
  ])('say what was found: $title', ({ target, choice, want }) => {
    const facts = target === undefined ? { gauges: known([]) } : gauges(target);
    expect(line('Detected target: ', facts, { choice })).toEqual([`Detected target: ${want}`]);
  });

  it('say why the last look found nothing out, in its own words', () => {
    const facts = { ...NO_PUSHGATEWAY, lastLook: look({ outcome: 'failed', reason: 'the nodes answered 403' }) };
    expect(lines(facts, { choice: NOT_LOOKED }).slice(0, 2)).toEqual([
      '*❔ UNKNOWN — nobody could find out whether there is a new version*',
      'The last look failed: the nodes answered 403.',
    ]);
  });

  it('escape what the series of the Pushgateway carry', () => {
    const series = gauge('k8s_upgrade_available', 1, { kind: '<b>', target: '1.36.4' });
    expect(line('Detected target: ', { gauges: known([series]) })).toEqual(['Detected target: *1.36.4* (&lt;b&gt;)']);
  });

  it('list the Jobs of the window with how they ended', () => {
    const chainJobs = known([
      job('preflight', null, 30),
      job('preflight', null, 7),
      job('master', 'cp-1', 6, { status: 'failed', reason: '', finishedAt: null }),
      job('worker', 'worker-1', 5, { status: 'failed', reason: 'DeadlineExceeded', name: 'a<b' }),
      job('worker', 'worker-2', 4, { reason: 'CompletionsReached' }),
      job('postflight', null, 1, { status: 'active' }),
    ]);
    const jobs = ['Chain Jobs', '• '];
    const found = (options?: ReportOptions) =>
      lines({ chainJobs }, {}, options).filter((text) => jobs.some((start) => text.startsWith(start)));
    expect(found()).toEqual([
      'Chain Jobs of the last 26 h:',
      '• ✅ k8s-upgrade-preflight-1-36-4: complete, 6 h 48 min ago',
      '• ❌ k8s-upgrade-master-1-36-4: failed, 6 h ago',
      '• ❌ a&lt;b: failed (DeadlineExceeded), 4 h 48 min ago',
      '• ✅ k8s-upgrade-worker-1-36-4-worker-2: complete, 3 h 48 min ago',
      '• 🔄 k8s-upgrade-postflight-1-36-4: active, started 1 h ago',
    ]);
    expect(found({ jobHours: 2 })).toEqual([
      'Chain Jobs of the last 2 h:',
      '• 🔄 k8s-upgrade-postflight-1-36-4: active, started 1 h ago',
    ]);
  });

  it('say that there were no Jobs, or that nobody knows', () => {
    expect(line('Chain Jobs', { chainJobs: known([]) })).toEqual(['Chain Jobs of the last 26 h: none']);
    expect(line('Chain Jobs', { chainJobs: unknown('<forbidden>') })).toEqual([
      'Chain Jobs of the last 26 h: unknown (&lt;forbidden&gt;)',
    ]);
  });

  it('name the namespace in the commands', () => {
    const chainJobs = known([job('preflight', null, 2, { status: 'failed' })]);
    expect(lines({ chainJobs })[1]).toContain('`kubectl -n k8s-upgrade logs job/k8s-upgrade-preflight-1-36-4`');
    expect(lines({ chainJobs }, {}, { namespace: 'upgrades' })[1]).toContain('`kubectl -n upgrades logs job/');
  });

  it('begin with a headline of one line, and whole sentences', () => {
    const killSwitch = known({ engaged: true, reason: 'holidays \n  until\nMonday' });
    expect(lines({ ...gauges(null), killSwitch })[0]).toBe('*🛑 PAUSED — holidays ⏎ until ⏎ Monday*');
    expect(lines({ ...gauges(null), chainJobs: unknown('jobs is <forbidden>') })[1]).toBe('Jobs is &lt;forbidden&gt;.');
  });

  it('I08 name a failure of last week while the cluster is half-done, and forget it when it is not', () => {
    const old = job('worker', 'worker-1', 120, { status: 'failed' });
    expect(lines({ ...halfDone, chainJobs: known([old]) })[0]).toMatch(/FAILED — worker worker-1 for 1\.36\.4\*$/);
    expect(lines({ ...gauges(null), chainJobs: known([old]) }, { choice: none })[0]).toBe('*⚪ No upgrade needed*');
  });

  describe('of the gate', () => {
    const finding = {
      check: 'addon-compat',
      reason: 'AddonTooOld',
      class: 'actionable',
      message: 'kured is old',
    } as const;
    const blocked = {
      target: '1.36.4',
      verdict: 'blocked',
      findings: [{ ...finding, severity: 'block' }],
      notAsked: [],
    } as const;
    const warned = {
      target: '1.36.5',
      verdict: 'safe',
      findings: [{ ...finding, severity: 'warn' }],
      notAsked: [],
    } as const;
    const done = { ...gauges('1.36.4'), chainJobs: known(night) };
    const onNew = { apiServer: known('1.36.4'), nodes: known([exampleNode('cp-1', { kubelet: '1.36.4' })]) };

    it('are there while the upgrade is to come', () => {
      expect(lines(gauges('1.36.4'), { choice: patch, gate: blocked })).toEqual(
        expect.arrayContaining(['*Action needed:*', '• kured is old.']),
      );
      expect(lines(gauges('1.36.5'), { gate: warned })).toEqual(
        expect.arrayContaining(['*Good to know:*', '• kured is old.']),
      );
    });

    it('are not there when nothing is to be done', () => {
      const text = lines(gauges(null), { choice: none, gate: { ...blocked, target: '1.36.3' } });
      expect(text[0]).toBe('*⚪ No upgrade needed*');
      expect(text).not.toContain('• kured is old.');
    });

    it('are there after an upgrade only for a refusal of what comes next', () => {
      const next = lines({ ...done, ...onNew }, { gate: { ...blocked, target: '1.36.5' } });
      expect(next).toEqual(
        expect.arrayContaining(['*Next: 1.36.5 is blocked*', '*Action needed:*', '• kured is old.']),
      );
      const safe = lines({ ...done, ...onNew }, { gate: warned });
      expect(safe[0]).toBe('*🟢 UPGRADED — all nodes now on 1.36.4*');
      expect(safe.filter((text) => /Next:|kured|Good to know/.test(text))).toEqual([]);
    });

    it('belong to the target that the gate was asked for', () => {
      expect(lines(gauges('1.36.5'), { gate: blocked })[0]).toBe('*🔴 BLOCKED (action needed) — 1.36.4*');
    });
  });
});

describe('reportTarget', () => {
  const found = exampleFacts(gauges('1.36.4'));
  it.each<{ title: string; facts: Facts; choice: ReportDecision['choice']; target: string | null }>([
    {
      title: 'what a look just now found',
      facts: found,
      choice: { kind: 'target', version: '1.36.5', jump: 'patch', running: '1.36.3', why: '' },
      target: '1.36.5',
    },
    {
      title: 'nothing when it found nothing',
      facts: found,
      choice: { kind: 'none', running: '1.36.3', why: '' },
      target: null,
    },
    { title: 'what the detector found when nobody looked', facts: found, choice: NOT_LOOKED, target: '1.36.4' },
    {
      title: 'nothing when the detector found nothing',
      facts: exampleFacts(gauges(null)),
      choice: NOT_LOOKED,
      target: null,
    },
    {
      title: 'nothing when nobody knows what it found',
      facts: exampleFacts({ gauges: unknown('refused') }),
      choice: NOT_LOOKED,
      target: null,
    },
  ])('is $title', ({ facts, choice, target }) => {
    expect(reportTarget(facts, choice)).toBe(target);
  });
});

describe('plainReport', () => {
  it.each([
    ['*Action needed:*', 'Action needed:'],
    ['Running: *1.36.3* (all)', 'Running: 1.36.3 (all)'],
    ['first\n*second*\nthird', 'first\nsecond\nthird'],
    ['(*1.36.4*) *a*, *b*. *c*: *d*;', '(1.36.4) a, b. c: d;'],
    ['*x* and *two words*', 'x and two words'],
    ['kube-*, 2*3*4 and glob*s*', 'kube-*, 2*3*4 and glob*s*'],
    ['* no* *bold *', '* no* *bold *'],
    ['*not\nover lines*', '*not\nover lines*'],
    ['*a*b* c', '*a*b* c'],
    ['&lt;b&gt; &amp; &amp;lt;', '<b> & &lt;'],
  ])('shows %j as %j', (text, plain) => {
    expect(plainReport(text)).toBe(plain);
  });
});

describe('a night of several hops', () => {
  const hops = [
    { from: '1.35.8', target: '1.36.3', at: at(9) },
    { from: '1.36.3', target: '1.36.4', at: at(7) },
  ];
  const textWith = (some: typeof hops) => {
    const run = { startedAt: null, target: null, snapshotPath: null, stopped: null, stoppedAt: null, hops: some };
    return report({ ...gauges('1.36.4'), chainJobs: known(night), run: known(run) }, '1.36.4').text;
  };

  it('tells all of them', () => {
    expect(textWith(hops)).toContain('In 2 hops: 1.35.8 → 1.36.3 → 1.36.4.');
  });

  it.each([
    ['one', hops.slice(1)],
    ['one of another night before it', [{ from: '1.35.8', target: '1.36.3', at: at(30) }, ...hops.slice(1)]],
    ['a second that did not get there', [...hops.slice(1), { from: '1.36.4', target: '1.37.1', at: at(3) }]],
    ['those of another version', hops.slice(0, 1)],
  ])('has no such line with %s', (_, some) => {
    expect(textWith(some)).not.toMatch(/hops/);
  });
});
