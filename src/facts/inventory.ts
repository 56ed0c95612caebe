import { z } from 'zod';
import { someOf } from '../some-of.ts';
import type { NodeFact } from './node-fact.ts';
import type { Nodes } from './nodes.ts';

/** What nodes have in common, and which: hundreds of nodes are of a few kinds. */
export const NodeKind = z.object({
  role: z.enum(['control-plane', 'worker']),
  kubelet: z.string(),
  apiServer: z.string().nullable(),
  os: z.string(),
  kernel: z.string(),
  runtime: z.string(),
  nodes: z.array(z.string()),
});

/** Which versions ran on which nodes at a time. */
export const Inventory = z.object({
  target: z.string().describe('of the run that it belongs to'),
  at: z.iso.datetime(),
  kinds: z.array(NodeKind),
});

/** Of the newest run: before its first change, and after its last. */
export const RunInventory = z.object({ before: Inventory.nullable(), after: Inventory.nullable() });

export type NodeKind = z.infer<typeof NodeKind>;
export type Inventory = z.infer<typeof Inventory>;
export type RunInventory = z.infer<typeof RunInventory>;

/** Pure. Kinds of most nodes first. */
export function kindsOf(nodes: Nodes): readonly NodeKind[] {
  const groups = Map.groupBy(nodes, (node) => JSON.stringify(versionsOf(node)));
  return [...groups.values()]
    .flatMap((group) => {
      const [first] = group;
      const names = group.map(({ name }) => name).toSorted();
      return first === undefined ? [] : [{ ...versionsOf(first), nodes: names }];
    })
    .toSorted((a, b) => b.nodes.length - a.nodes.length || (a.nodes[0] ?? '').localeCompare(b.nodes[0] ?? '', 'en'));
}

function versionsOf({
  role,
  kubelet,
  apiServer,
  osImage,
  kernel,
  containerRuntime,
}: NodeFact): Omit<NodeKind, 'nodes'> {
  return { role, kubelet, apiServer, os: osImage, kernel, runtime: containerRuntime };
}

/** One line: `worker: kubelet 1.36.3, Debian GNU/Linux 12, kernel 6.1.0, containerd://1.7.24`. */
export function kindText({ role, kubelet, apiServer, os, kernel, runtime }: NodeKind): string {
  const server = apiServer === null ? '' : `, API server ${apiServer}`;
  return `${role}: kubelet ${kubelet}${server}, ${os}, kernel ${kernel}, ${runtime}`;
}

/**
 * What has changed between two inventories and is not the upgrade itself: systems, kernels, runtimes, nodes that came or
 * went. A control plane that has a runtime which a worker had before was raised by its own step (`containerd.raise`). Pure.
 */
export function otherChanges(before: readonly NodeKind[], after: readonly NodeKind[]): readonly string[] {
  const old = byNode(before);
  const now = byNode(after);
  const workersHad = new Set(before.filter(({ role }) => role === 'worker').map(({ runtime }) => runtime));
  const changed = new Map<string, string[]>();
  const note = (what: string, node: string): void => void changed.set(what, [...(changed.get(what) ?? []), node]);
  for (const [name, kind] of now) {
    const was = old.get(name);
    if (was === undefined) {
      note('joined', name);
      continue;
    }
    if (was.os !== kind.os) note(`system ${was.os} → ${kind.os}`, name);
    if (was.kernel !== kind.kernel) note(`kernel ${was.kernel} → ${kind.kernel}`, name);
    const isRaised = kind.role === 'control-plane' && workersHad.has(kind.runtime);
    if (was.runtime !== kind.runtime && !isRaised) note(`runtime ${was.runtime} → ${kind.runtime}`, name);
  }
  for (const name of old.keys()) if (!now.has(name)) note('gone', name);
  return [...changed].map(([what, nodes]) => `${what}: ${someOf(nodes)}`);
}

function byNode(kinds: readonly NodeKind[]): ReadonlyMap<string, NodeKind> {
  return new Map(kinds.flatMap((kind) => kind.nodes.map((name) => [name, kind] as const)));
}
