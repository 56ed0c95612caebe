import { describe, expect, it } from 'vitest';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import type { Facts, LeavingPodFact } from '../facts/facts.ts';
import { known, unknown } from '../observed.ts';
import { evaluateGate } from './evaluate-gate.ts';
import { exampleOptions } from './example-options.ts';
import { stuckPods } from './stuck-pods.ts';

const NODES = ['worker-1', 'worker-2'];
// The example was observed at 06:07:00.
const pod = (name: string, fields: Partial<LeavingPodFact> = {}): LeavingPodFact => ({
  namespace: 'shop',
  name,
  node: 'worker-2',
  goneBy: '2026-11-21T06:00:00.000Z',
  graceSeconds: 30,
  finalizers: [],
  ...fields,
});

function gate(facts: Partial<Facts>, severity: 'warn' | 'block' = 'block') {
  const options = exampleOptions({ stuckPods: { severity } });
  return evaluateGate(exampleFacts(facts), '1.36.4', [stuckPods], options).findings;
}

const reasons = (one: LeavingPodFact, nodes = NODES.map((name) => exampleNode(name))): string[] =>
  gate({ leavingPods: known([one]), nodes: known(nodes) }).map(({ reason }) => reason);

describe('pods that do not go', () => {
  it('are one finding, with every node and what holds each pod', () => {
    const leavingPods = known([
      pod('web', { finalizers: ['example.test/never'] }),
      pod('db', { node: 'worker-1', goneBy: '2026-11-01T00:00:00.000Z' }),
    ]);
    expect(gate({ leavingPods }).map(({ reason, severity, message }) => [reason, severity, message])).toEqual([
      [
        'PodStuck',
        'block',
        'worker-1, worker-2 cannot be drained: pod shop/web on worker-2 should have been gone at 2026-11-21 06:00:00 UTC (grace 30 s) and is still terminating, held by the finalizer example.test/never; pod shop/db on worker-1 should have been gone at 2026-11-01 00:00:00 UTC (grace 30 s) and is still terminating',
      ],
    ]);
  });

  it('are a warning where the settings say so', () => {
    expect(gate({ leavingPods: known([pod('web')]) }, 'warn').map(({ severity }) => severity)).toEqual(['warn']);
  });

  it.each<[string, Partial<LeavingPodFact>, string[]]>([
    ['are late by five minutes', { goneBy: '2026-11-21T06:02:00.000Z' }, ['PodStuck']],
    ['are late by less', { goneBy: '2026-11-21T06:02:01.000Z' }, []],
    ['have their grace period yet', { goneBy: '2026-11-21T07:00:00.000Z' }, []],
    ['are on a node that is not ours', { node: 'virtual-node' }, []],
  ])('are found or not when they %s', (_title, fields, want) => {
    expect(reasons(pod('web', fields))).toEqual(want);
  });

  it.each([
    ['is on the target already', { kubelet: '1.36.4' }],
    ['is down, and is the matter of another check', { ready: 'no' as const }],
  ])('are left alone on a node that %s', (_title, fields) => {
    expect(reasons(pod('web'), [exampleNode('worker-1'), exampleNode('worker-2', fields)])).toEqual([]);
  });

  it('are left alone on nodes that are not drained', () => {
    const options = exampleOptions({ drain: { mode: 'patch-without', raise: true } });
    const found = (facts: Partial<Facts>) => evaluateGate(exampleFacts(facts), '1.36.4', [stuckPods], options).findings;
    expect(found({ leavingPods: known([pod('web')]) })).toEqual([]);
    expect(found({ leavingPods: unknown('forbidden') })).toEqual([]);
    const nodes = known([exampleNode('cp-1'), exampleNode('worker-2', { kubelet: '1.35.8' })]);
    expect(found({ leavingPods: known([pod('web')]), nodes })).toMatchObject([{ reason: 'PodStuck' }]);
  });

  it('are found on every node while the nodes are not known', () => {
    const facts = { leavingPods: known([pod('web')]), nodes: unknown('forbidden') };
    expect(gate(facts).map(({ reason }) => reason)).toEqual(['PodStuck']);
  });

  it('are named up to twenty, and counted beyond', () => {
    const many = Array.from({ length: 22 }, (_, index) => pod(`web-${index}`));
    expect(gate({ leavingPods: known(many) })[0]?.message).toMatch(/pod shop\/web-19 [^;]*; and 2 more$/);
  });

  it('refuse when they could not be read', () => {
    expect(gate({ leavingPods: unknown('forbidden') }).map(({ reason, severity }) => [reason, severity])).toEqual([
      ['Unknown', 'block'],
    ]);
  });

  it('are nothing in facts of an older version, which knew nothing of them', () => {
    const { leavingPods: _, ...older } = exampleFacts();
    expect(evaluateGate(older, '1.36.4', [stuckPods], exampleOptions()).findings).toEqual([]);
  });
});
