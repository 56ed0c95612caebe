import type { NodeFact } from '../../src/facts/node-fact.ts';
import { exampleNode } from '../../src/gate/example-facts.ts';
import { isOnTarget, nextStep, placement } from '../../src/phases/chain.ts';
import { nodeOf, type Step } from '../../src/phases/step.ts';
import { hasTargetVersion } from '../../src/steps/node-versions.ts';
import { minorNumber } from '../../src/version.ts';

export type Move =
  /** The Job of the step that is due runs, and dies after so many of its changes. */
  | { readonly kind: 'kill'; readonly after: number }
  | { readonly kind: 'finish' }
  /** Its retries are used up; the next night begins with preflight. */
  | { readonly kind: 'next-night' }
  /** A node of the old version joins. */
  | { readonly kind: 'join' };

export interface Simulation {
  make(move: Move): void;
  nodes(): readonly NodeFact[];
  isOver(): boolean;
  /** What must never be, at this moment or at any before it. */
  defects(): readonly string[];
  readonly cordonedByHand: string;
}

export interface SimulationOptions {
  readonly planes: number;
  readonly workers: number;
  readonly from: string;
  readonly target: string;
  /** Which node a person has cordoned; one that there is not is none. */
  readonly cordonedByHand: number;
}

/** The changes that a step makes to a node, in the order of the phases; what is there already is not made again. */
function changesOf(node: NodeFact, target: string): readonly ((node: NodeFact) => NodeFact)[] {
  const own = `${target} by the chain`;
  return [
    (it) => ({ ...it, unfinished: target }),
    (it) => (hasTargetVersion(it, target) || !it.schedulable ? it : { ...it, schedulable: false, cordonedBy: own }),
    ...(node.role === 'control-plane' ? [(it: NodeFact) => ({ ...it, apiServer: target })] : []),
    (it) => ({ ...it, kubelet: target }),
    (it) => (it.cordonedBy === null ? it : { ...it, schedulable: true, cordonedBy: null }),
    (it) => ({ ...it, unfinished: null }),
  ];
}

/** The chain's own decisions over a model of the nodes: what Jobs do to them, and where they die. */
export function createSimulation({ planes, workers, from, target, cordonedByHand }: SimulationOptions): Simulation {
  const names = [
    ...Array.from({ length: planes }, (_, index) => `cp-${index}`),
    ...Array.from({ length: workers }, (_, index) => `node-${index}`),
  ];
  const byHand = names[cordonedByHand] ?? '';
  let nodes: readonly NodeFact[] = names.map((name) =>
    exampleNode(name, { kubelet: from, schedulable: name !== byHand }),
  );
  const found: string[] = [];
  const finished = new Set<string>();
  let joined = 0;

  const change = (name: string, by: (node: NodeFact) => NodeFact): void => {
    nodes = nodes.map((node) => (node.name === name ? by(node) : node));
    const node = nodes.find((one) => one.name === name);
    if (node?.cordonedBy !== null && finished.has(name)) found.push(`${name} was cordoned after it was finished`);
    if (nodes.some((one) => one.name === byHand && one.schedulable)) found.push('the cordon of a person was lifted');
    found.push(...skewDefects(nodes));
    for (const one of nodes) if (isOnTarget(one, target)) finished.add(one.name);
  };
  const run = (step: Step, most: number): void => {
    const name = nodeOf(step);
    const node = nodes.find((one) => one.name === name);
    if (name === undefined || node === undefined) return;
    const place = placement(step, nodes, target);
    if (place.kind === 'node' && place.node === name) found.push(`the Job of ${name} runs on ${name}`);
    // Nowhere to run: refused, and a person's business.
    if (place.kind === 'none') return;
    for (const one of changesOf(node, target).slice(0, most)) change(name, one);
  };
  return {
    cordonedByHand: byHand,
    nodes: () => nodes,
    isOver: () => nextStep(nodes, target).phase === 'postflight',
    defects: () => found,
    make(move) {
      switch (move.kind) {
        case 'kill':
          return run(nextStep(nodes, target), move.after);
        case 'finish':
          return run(nextStep(nodes, target), Number.POSITIVE_INFINITY);
        case 'next-night':
          // Preflight lifts what carries the chain's mark, and nothing else.
          for (const { name, cordonedBy } of nodes)
            if (cordonedBy !== null) change(name, (node) => ({ ...node, schedulable: true, cordonedBy: null }));
          return;
        case 'join':
          joined += 1;
          nodes = [...nodes, exampleNode(`node-new-${joined}`, { kubelet: from })];
      }
    },
  };
}

/**
 * No worker's kubelet is newer than any API server, no control plane's is newer than its own (kubeadm upgrades them one
 * by one, kubelet included), and API servers are within one minor.
 */
export function skewDefects(nodes: readonly NodeFact[]): readonly string[] {
  const servers = nodes.flatMap(({ apiServer }) => (apiServer === null ? [] : [minorNumber(apiServer)]));
  const oldest = Math.min(...servers);
  const newer = nodes.filter(
    ({ kubelet, apiServer }) => minorNumber(kubelet) > (apiServer === null ? oldest : minorNumber(apiServer)),
  );
  return [
    ...newer.map(({ name }) => `the kubelet of ${name} is newer than an API server`),
    ...(Math.max(...servers) - oldest > 1 ? ['API servers are more than one minor apart'] : []),
  ];
}
