import fc from 'fast-check';
import { exampleNode } from '../../src/facts/example-facts.ts';
import type { NodeFact } from '../../src/facts/node-fact.ts';
import type { Nodes } from '../../src/facts/nodes.ts';

export const TARGET = '1.36.4';
export const OLD = '1.36.3';

export function controlPlane(name: string, version = OLD, fields: Partial<NodeFact> = {}): NodeFact {
  return exampleNode(name, { role: 'control-plane', kubelet: version, apiServer: version, ...fields });
}

export function worker(name: string, version = OLD, fields: Partial<NodeFact> = {}): NodeFact {
  return exampleNode(name, { role: 'worker', kubelet: version, apiServer: null, ...fields });
}

/** A node as its finished step leaves it. */
export function finished(node: NodeFact): NodeFact {
  return {
    ...node,
    kubelet: TARGET,
    apiServer: node.role === 'worker' ? null : TARGET,
    cordonedBy: null,
    unfinished: null,
  };
}

/** Clusters in any state that an upgrade and people can leave them in. */
export function clusters(): fc.Arbitrary<Nodes> {
  const taint = fc.record({
    key: fc.constantFrom('node-role.kubernetes.io/control-plane', 'gpu', 'dedicated'),
    effect: fc.constantFrom('NoSchedule' as const, 'PreferNoSchedule' as const, 'NoExecute' as const),
  });
  const fields = fc.record({
    role: fc.constantFrom('control-plane' as const, 'worker' as const),
    kubelet: fc.constantFrom(OLD, TARGET),
    apiServer: fc.constantFrom(OLD, TARGET),
    ready: fc.constantFrom('yes' as const, 'yes' as const, 'no' as const, 'unknown' as const),
    schedulable: fc.boolean(),
    cordonedBy: fc.constantFrom(null, null, TARGET),
    taints: fc.oneof(fc.constant<NodeFact['taints']>([]), fc.array(taint, { maxLength: 2 })),
  });
  return fc
    .array(fields, { minLength: 1, maxLength: 8 })
    .map((list) =>
      list.map((node, index) =>
        exampleNode(`n${(index * 7) % 10}`, { ...node, apiServer: node.role === 'worker' ? null : node.apiServer }),
      ),
    );
}
