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

  it('keeps a huge error within one block', () => {
    const { blocks } = composeEvent({ kind: 'failed', step: worker, target, error: '<'.repeat(20_000) });
    for (const block of blocks as { text: { text: string } }[])
      expect(block.text.text.length).toBeLessThanOrEqual(3000);
  });
});
