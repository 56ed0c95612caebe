import type { NodeFact } from '../facts/node-fact.ts';
import { firstControlPlane, type Nodes } from '../facts/nodes.ts';
import type { Settings } from '../settings/settings.ts';
import {
  type NodeScripts,
  nodeScripts,
  type Repository,
  type ScriptTemplates,
  type ThisNode,
  type UpgradeRole,
} from './scripts.ts';

/** The scripts of this cluster: an operator's edited copies where there are some. */
export function scriptsOf(deps: { readonly templates: { readonly node: ScriptTemplates } }): NodeScripts {
  return nodeScripts(deps.templates.node);
}

export function repositoryOf({ settings }: { readonly settings: Pick<Settings, 'packages'> }): Repository {
  return { repoBase: settings.packages.baseUrl, lockTimeoutSeconds: settings.packages.lockTimeoutSeconds };
}

/** For the scripts that change a node: each proves first that it is there. */
export function thisNode({ name, machineId }: Pick<NodeFact, 'name' | 'machineId'>): ThisNode {
  return { node: name, machineId };
}

/** `kubeadm upgrade apply` runs once in a cluster, on the first control plane; every other node gets `upgrade node`. */
export function roleOf(node: NodeFact, nodes: Nodes): UpgradeRole {
  if (node.role === 'worker') return 'worker';
  return node.name === firstControlPlane(nodes) ? 'first-control-plane' : 'control-plane';
}
