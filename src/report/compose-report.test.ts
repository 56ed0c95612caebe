import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseTarget } from '../detect/choose-target.ts';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import type { Facts, GaugeFact, JobFact } from '../facts/facts.ts';
import { gateChecks } from '../gate/checks.ts';
import { evaluateGate } from '../gate/evaluate-gate.ts';
import { exampleOptions } from '../gate/example-options.ts';
import { known, unknown } from '../observed.ts';
import { composeReport, NOT_LOOKED, plainReport, type Report, reportTarget } from './compose-report.ts';

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
    headline: /^⚠️ Detector did not run last night — ❔ UNKNOWN — what the last run found cannot be read$/,
    facts: { gauges: unknown('connect ECONNREFUSED') },
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
