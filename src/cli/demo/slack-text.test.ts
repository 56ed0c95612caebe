import { describe, expect, it } from 'vitest';
import { type Output, terminalLine } from '../call/output.ts';
import { activityOf, endedAs, nodeOutputOf } from './activity.ts';
import { printSlack } from './slack-text.ts';

function show(messages: readonly string[], columns: number, color: boolean): readonly string[] {
  const lines: string[] = [];
  const output: Output = {
    format: 'text',
    terminal: color,
    color,
    columns,
    rows: 40,
    line: (text = '') => void lines.push(terminalLine(text)),
    json: () => undefined,
    note: () => undefined,
    raw: () => undefined,
    ask: () => Promise.resolve(undefined),
  };
  printSlack(output, messages);
  return lines;
}

describe('a Slack message in a terminal', () => {
  it('has bold text bold, code dim, and entities as characters', () => {
    const lines = show(['*UPGRADED* to *1.36.4*, see `kubectl` &lt;now&gt;'], 100, true);
    expect(lines.join('\n')).toContain(
      '\u001b[1mUPGRADED\u001b[22m to \u001b[1m1.36.4\u001b[22m, see \u001b[2mkubectl\u001b[22m <now>',
    );
  });

  it('is broken at words, and what belongs to a bullet stands under it', () => {
    const lines = show([`• ${'word '.repeat(30).trim()}`], 50, false);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(52);
    expect(lines.filter((line) => line.startsWith('│   word')).length).toBeGreaterThan(1);
  });

  it('shows a star that marks nothing as it is', () => {
    expect(show(['kubeadm=1.36.4-* is installed'], 100, false)).toContain('│ kubeadm=1.36.4-* is installed');
  });
});

describe('how a Job ended by its own last word', () => {
  const ends = (pod: string, outcome: string, message = 'phase ends') => ({
    pod,
    time: '',
    level: 'info',
    message,
    fields: { outcome },
  });
  const lines = [
    ends('k8s-upgrade-worker-1-36-4-w1-abcde', 'advanced'),
    ends('k8s-upgrade-worker-1-36-4-w10-abcde', 'refused'),
    ends('k8s-version-check-x1-abcde', 'refused', 'check ends'),
  ];

  it.each([
    ['k8s-upgrade-worker-1-36-4-w10', 'refused'],
    ['k8s-upgrade-worker-1-36-4-w1', undefined],
    ['k8s-version-check-x1', 'refused'],
    ['k8s-upgrade-worker', undefined],
  ])('%s: %s', (job, outcome) => {
    expect(endedAs(lines, job)).toBe(outcome);
  });
});

describe('a log line for people', () => {
  const line = (message: string, fields: Record<string, unknown>) => ({
    pod: 'p',
    time: '',
    level: 'info',
    message,
    fields,
  });

  it.each([
    [{ node: 'worker-1', missing: '2 pods are still there' }, 'worker-1: waiting: 2 pods are still there'],
    [{ phase: 'preflight' }, 'preflight: waiting'],
    [{}, 'waiting'],
    [{ from: 'worker-1' }, undefined],
  ])('%j', (fields, expected) => {
    expect(activityOf(line('waiting', fields))).toBe(expected);
  });

  it('keeps what a program on a node says apart', () => {
    expect(nodeOutputOf(line('[upgrade] done', { from: 'control-1' }))).toBe('control-1 ▸ [upgrade] done');
    expect(nodeOutputOf(line('waiting', {}))).toBeUndefined();
  });
});
