import type { ActionStep, Phase } from '../../src/chain/phase.ts';
import { ClusterError } from '../../src/cluster/kube-error.ts';
import type { NodeFact } from '../../src/facts/node-fact.ts';
import type { ExampleWorld } from './example-deps.ts';

/** An API server that gives no answer. */
export const AWAY = new ClusterError('listing nodes: connect ECONNREFUSED', {
  status: 0,
  reason: 'Unreachable',
  unavailable: true,
});

export function examplePhase(steps: readonly ActionStep[], fields: Partial<Phase> = {}): Phase {
  return { name: 'worker', summary: 'upgrades a worker', checks: [], facts: [], steps, ...fields };
}

/** Writes down that it was run and taken back; what a test is about it gives itself. */
export function exampleAction(name: string, calls: string[], fields: Partial<ActionStep> = {}): ActionStep {
  return {
    name,
    summary: `does ${name}`,
    run: async () => void calls.push(`run ${name}`),
    undo: async () => void calls.push(`undo ${name}`),
    ...fields,
  };
}

export function engageKillSwitch(world: ExampleWorld, reason = 'holidays'): void {
  world.configMaps.set('k8s-upgrade/k8s-upgrade-killswitch', { reason });
}

export function replaceNode(world: ExampleWorld, node: NodeFact): void {
  world.nodes = world.nodes.map((old) => (old.name === node.name ? node : old));
}
