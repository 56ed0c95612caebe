import { describe, expect, it } from 'vitest';
import type { JobView, NodeView } from './cluster-view.ts';
import { outcomeOf, refusalsOf, targetOf } from './night-outcome.ts';
import type { LogLine } from './pod-log-lines.ts';

function line(message: string, fields: Record<string, unknown> = {}): LogLine {
  return { pod: 'one', time: '', level: 'info', message, fields };
}

function node(version: string): NodeView {
  return { name: 'worker-1', role: 'worker', version, apiServer: null, ready: true, schedulable: true };
}

function job(phase: string, status: JobView['status'] = 'complete'): JobView {
  return { name: phase, phase, node: null, runner: null, status, seconds: 1, startedAt: 0 };
}

const REFUSAL = line('calico stands in the way', {
  check: 'addon-compat',
  reason: 'AddonTooOld',
  class: 'actionable',
  severity: 'block',
});

describe('what a night came to', () => {
  it.each([
    ['nothing, when the detector says so', [line('check ends', { outcome: 'nothing' })], [], '1.36.3', 'nothing'],
    [
      'blocked, when all refusals can be acted on',
      [REFUSAL, line('check ends', { outcome: 'refused' })],
      [],
      '1.36.3',
      'blocked',
    ],
    [
      'held, when one of them has to be waited for',
      [REFUSAL, line('metallb', { ...REFUSAL.fields, class: 'waiting' }), line('check ends', { outcome: 'refused' })],
      [],
      '1.36.3',
      'held',
    ],
    [
      'upgraded, when postflight is complete and every node shows it',
      [],
      [job('preflight'), job('postflight')],
      '1.36.4',
      'upgraded',
    ],
    ['not upgraded, when a node is behind', [], [job('preflight'), job('postflight')], '1.36.3', 'unknown'],
    ['failed, when a Job of the chain has failed', [], [job('preflight'), job('master', 'failed')], '1.36.3', 'failed'],
    [
      'blocked, when preflight refused',
      [REFUSAL, line('phase ends', { outcome: 'refused' })],
      [job('preflight')],
      '1.36.3',
      'blocked',
    ],
    [
      'halted, when a later step did',
      [line('phase ends', { outcome: 'refused' })],
      [job('preflight'), job('worker')],
      '1.36.3',
      'halted',
    ],
    [
      'paused, when the kill switch was engaged on the way',
      [line('phase ends', { outcome: 'paused' })],
      [job('master')],
      '1.36.3',
      'paused',
    ],
    ['failed in the snapshot is not failed in the chain', [], [job('snapshot', 'failed')], '1.36.3', 'unknown'],
  ] as const)('is %s', (_title, lines, jobs, version, outcome) => {
    expect(outcomeOf({ lines, jobs, nodes: [node(version)], target: '1.36.4' })).toBe(outcome);
  });

  it('names a refusal once, however many Jobs gave it, and no warnings', () => {
    const warning = line('nothing serious', { ...REFUSAL.fields, severity: 'warn' });
    expect(refusalsOf([REFUSAL, warning, REFUSAL]).map(({ reason }) => reason)).toEqual(['AddonTooOld']);
  });

  it('has the target that the detector found or the chain went for', () => {
    expect(targetOf([line('looked for a new version', { found: '1.36.4' })])).toBe('1.36.4');
    expect(targetOf([line('looked for a new version', { found: 'none' })])).toBeNull();
    expect(targetOf([line('phase starts', { target: '1.37.1' })])).toBe('1.37.1');
  });
});
