import { expect, test } from 'vitest';
import type { Node, Pod, PodSpec } from '../api/kinds.ts';
import { nodes, pods } from '../api/resources.ts';
import { Store } from '../api/store.ts';
import { misfit } from './node-fit.ts';

const store = new Store();
let count = 0;

function node(more: Partial<Node['spec']> = {}, labels: Record<string, string> = {}): Node {
  count += 1;
  return store.create(nodes, { metadata: { name: `n${count}`, labels }, spec: more });
}

function pod(spec: Partial<PodSpec> = {}): Pod {
  count += 1;
  return store.create(pods, { metadata: { name: `p${count}` }, spec: { containers: [{ name: 'main' }], ...spec } });
}

const controlPlane = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' };
const terms = (...nodeSelectorTerms: object[]): Partial<PodSpec> => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
});
const TAINTED = 'node(s) had untolerated taint(s)';
const UNSUITABLE = "node(s) didn't match Pod's node affinity/selector";

test.each<[string, Partial<PodSpec>, Partial<Node['spec']>, string | undefined]>([
  ['an open node fits', {}, {}, undefined],
  ['a cordoned node does not', {}, { unschedulable: true }, 'node(s) were unschedulable'],
  [
    'a cordon is tolerated like any taint',
    { tolerations: [{ operator: 'Exists' }] },
    { unschedulable: true },
    undefined,
  ],
  ['a taint keeps away', {}, { taints: [controlPlane] }, TAINTED],
  ['PreferNoSchedule does not', {}, { taints: [{ ...controlPlane, effect: 'PreferNoSchedule' }] }, undefined],
  [
    'Equal needs the value',
    { tolerations: [{ key: 'a', value: '2' }] },
    { taints: [{ key: 'a', value: '1', effect: 'NoSchedule' }] },
    TAINTED,
  ],
  [
    'another effect does not tolerate',
    { tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoExecute' }] },
    { taints: [{ key: 'a', effect: 'NoSchedule' }] },
    TAINTED,
  ],
  ['labels that are not there do not fit', { nodeSelector: { disk: 'ssd' } }, {}, UNSUITABLE],
  [
    'NotIn fits a node without the label',
    terms({ matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['x'] }] }),
    {},
    undefined,
  ],
  [
    'terms are alternatives',
    terms(
      { matchExpressions: [{ key: 'a', operator: 'Exists' }] },
      { matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] },
    ),
    {},
    undefined,
  ],
  ['a term without requirements fits nothing', terms({}), {}, UNSUITABLE],
])('%s', (_title, podSpec, nodeSpec, expected) => {
  expect(misfit(pod(podSpec), node(nodeSpec))).toBe(expected);
});

test('Gt and Lt compare numbers', () => {
  const big = node({}, { cores: '16' });
  const wants = (operator: string, value: string): Pod =>
    pod(terms({ matchExpressions: [{ key: 'cores', operator, values: [value] }] }));
  expect([misfit(wants('Gt', '9'), big), misfit(wants('Lt', '9'), big)]).toEqual([undefined, UNSUITABLE]);
});
