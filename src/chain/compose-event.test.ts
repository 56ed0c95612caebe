import { describe, expect, it } from 'vitest';
import { plainReport } from '../report/compose-report.ts';
import { composeEvent, type UpgradeEvent } from './compose-event.ts';

const worker = { phase: 'worker', node: 'worker-2' } as const;
const target = '1.36.4';

const EVENTS: readonly { name: string; event: UpgradeEvent }[] = [
  {
    name: 'refused-held',
    event: {
      kind: 'refused',
      step: { phase: 'preflight' },
      target,
      verdict: 'held',
      findings: [
        {
          check: 'addon-compat',
          reason: 'AddonWaiting',
          class: 'waiting',
          severity: 'block',
          message: 'calico 3.32.1 is tested up to 1.36',
          remedy: 'Wait for a release.',
        },
        {
          check: 'firing-alerts',
          reason: 'AlertFiring',
          class: 'actionable',
          severity: 'block',
          message: 'alert EtcdSlow (critical) is firing',
          remedy: 'Clear it.',
        },
      ],
      takenBack: [],
    },
  },
  {
    name: 'refused-blocked',
    event: { kind: 'refused', step: worker, target, verdict: 'blocked', findings: [], takenBack: [] },
  },
  {
    name: 'refused-after-the-drain-had-begun',
    event: {
      kind: 'refused',
      step: worker,
      target,
      verdict: 'blocked',
      findings: [],
      takenBack: [
        { what: 'drain', failed: false },
        { what: 'quiesce', failed: true },
      ],
    },
  },
  {
    name: 'halted',
    event: { kind: 'halted', step: worker, target, alerts: ['EtcdSlow (critical, since 05:00): fsync > 1 s'] },
  },
  {
    name: 'failed-command',
    event: {
      kind: 'failed',
      step: worker,
      target,
      error: 'upgrading worker-2: kubeadm ended with an error',
      command: 'kubeadm upgrade node',
      exitCode: 1,
      remedy: 'On worker-2: journalctl -u nightlift-*.',
    },
  },
  {
    name: 'failed',
    event: { kind: 'failed', step: { phase: 'postflight' }, target, error: 'waiting 900 s for Ready' },
  },
  { name: 'paused', event: { kind: 'paused', step: worker, target, reason: 'kill switch: holidays' } },
  { name: 'restarted', event: { kind: 'restarted', target, job: 'k8s-upgrade-preflight-1-36-4' } },
  { name: 'complete', event: { kind: 'complete', target, nodes: 7, from: '1.36.3', seconds: 7_980 } },
];

const linesOf = (event: UpgradeEvent): string[] => composeEvent(event).text.split('\n');

describe('what is said at once', () => {
  it.each(EVENTS)('says $name as a person reads it', async ({ name, event }) => {
    const { text } = composeEvent(event);
    await expect(`${plainReport(text)}\n`).toMatchFileSnapshot(`../../test/golden/report/event-${name}.txt`);
  });

  it('begins the last message of a run as the runbook has it', () => {
    expect(composeEvent({ kind: 'complete', target, nodes: 3 }).text).toBe(
      '*✅ K8s upgrade complete*\nAll 3 nodes went to 1.36.4.',
    );
  });

  it.each<[string, { from?: string; seconds?: number }, string]>([
    [
      'from where and how long',
      { from: '1.36.3', seconds: 90 },
      'All 3 nodes went from 1.36.3 to 1.36.4 in 1 min 30 s.',
    ],
    ['not from where when that is the target', { from: target }, 'All 3 nodes went to 1.36.4.'],
    ['how long alone', { seconds: 0 }, 'All 3 nodes went to 1.36.4 in 0 s.'],
  ])('says of an upgrade that is complete %s', (_, known, text) => {
    expect(linesOf({ kind: 'complete', target, nodes: 3, ...known })).toEqual(['*✅ K8s upgrade complete*', text]);
  });

  it('names the node of a command only where there is one, and an exit code only where it ended', () => {
    const failed = { kind: 'failed', target, error: 'x', remedy: 'Wait.', command: 'kubeadm upgrade node' } as const;
    expect(linesOf({ ...failed, step: worker }).slice(1)).toEqual([
      'x',
      'Command on worker-2: kubeadm upgrade node',
      'What to do: Wait.',
    ]);
    expect(linesOf({ ...failed, step: { phase: 'preflight' }, exitCode: 0 }).slice(1)).toEqual([
      'x',
      'Command: kubeadm upgrade node',
      'Exit code: 0',
      'What to do: Wait.',
    ]);
  });

  it('keeps its headline on one line, and takes nothing from outside for markup', () => {
    const step = { phase: 'worker', node: 'a \n\n <b>\nc' } as const;
    expect(linesOf({ kind: 'halted', step, target, alerts: ['a < b & c'] })).toEqual([
      '*🔴 HALTED — worker a ⏎ &lt;b&gt; ⏎ c for 1.36.4: alerts are firing*',
      '• a &lt; b &amp; c',
      'Clear them, or add their names to alerts.ignore; the next run goes on from there.',
    ]);
  });

  it('keeps a huge error within one block', () => {
    const { blocks } = composeEvent({ kind: 'failed', step: worker, target, error: '<'.repeat(20_000) });
    for (const block of blocks) expect(block.text.text.length).toBeLessThanOrEqual(3000);
  });
});
