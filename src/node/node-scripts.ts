import { firstControlPlane, type Nodes } from '../chain/order.ts';
import type { Deps } from '../deps.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { type NodeScripts, nodeScripts, type Repository, type UpgradeRole } from './scripts.ts';

/** The scripts of this cluster: an operator's edited copies where there are some. */
export function scriptsOf(deps: Pick<Deps, 'templates'>): NodeScripts {
  return nodeScripts(deps.templates.node);
}

export function repositoryOf({ settings }: Pick<Deps, 'settings'>): Repository {
  return { repoBase: settings.packages.baseUrl, lockTimeoutSeconds: settings.packages.lockTimeoutSeconds };
}

/** `kubeadm upgrade apply` runs once in a cluster, on the first control plane; every other node gets `upgrade node`. */
export function roleOf(node: NodeFact, nodes: Nodes): UpgradeRole {
  if (node.role === 'worker') return 'worker';
  return node.name === firstControlPlane(nodes) ? 'first-control-plane' : 'control-plane';
}
