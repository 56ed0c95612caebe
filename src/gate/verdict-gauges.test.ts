import { describe, expect, it } from 'vitest';
import type { Finding } from './finding.ts';
import { verdictGauges } from './verdict-gauges.ts';

const finding = (kind: Finding['class'], fields: Partial<Finding> = {}): Finding => ({
  check: 'addon-compat',
  reason: 'AddonTooOld',
  class: kind,
  severity: 'block',
  message: '',
  ...fields,
});

describe('verdictGauges', () => {
  it.each<[string, readonly Finding[], number, number]>([
    ['nothing is found', [], 0, 0],
    ['there is a warning', [finding('actionable', { severity: 'warn' })], 0, 0],
    ['all can be cleared here', [finding('actionable'), finding('actionable')], 1, 0],
    ['one has to be waited for', [finding('waiting')], 0, 1],
    ['one is pinned', [finding('pinned')], 0, 1],
    ['I19 D12 it is held, and something could be done meanwhile', [finding('waiting'), finding('actionable')], 0, 1],
    ['a warning waits and a block does not', [finding('waiting', { severity: 'warn' }), finding('actionable')], 1, 0],
  ])('where %s', (_title, findings, blocked, held) => {
    const values = Object.fromEntries(verdictGauges(findings).map(({ name, value }) => [name, value]));
    expect(values).toMatchObject({ k8s_upgrade_blocked: blocked, k8s_upgrade_held: held });
  });

  const series = (findings: readonly Finding[]) =>
    verdictGauges(findings)
      .filter(({ name }) => name === 'k8s_upgrade_findings')
      .map(({ labels, value }) => [Object.values(labels ?? {}).join(' '), value]);

  it('count the findings of each kind', () => {
    expect(
      series([
        finding('actionable', { message: 'calico' }),
        finding('waiting', { reason: 'AddonWaiting' }),
        finding('actionable', { message: 'kured' }),
        finding('actionable', { severity: 'warn' }),
      ]),
    ).toEqual([
      ['addon-compat AddonTooOld actionable block', 2],
      ['addon-compat AddonWaiting waiting block', 1],
      ['addon-compat AddonTooOld actionable warn', 1],
    ]);
  });

  it('replace what an earlier night has found by a series of their own', () => {
    expect(series([])).toEqual([['none none none none', 0]]);
  });
});
