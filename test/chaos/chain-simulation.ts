import { tooEarly } from '../../src/chain/order.ts';
import { placement } from '../../src/chain/placement.ts';
import { nodeOf, type Step } from '../../src/chain/step.ts';
import { exampleNode } from '../../src/facts/example-facts.ts';
import type { NodeFact } from '../../src/facts/node-fact.ts';
import { hasTargetVersion, isOnTarget } from '../../src/facts/nodes.ts';
import { minorNumber } from '../../src/version.ts';
import { nextStep } from '../support/next-step.ts';

export type Move =
  /** The Job of the step that is due runs, and dies after so many of its changes. */
  | { readonly kind: 'kill'; readonly after: number }
  | { readonly kind: 'finish' }
  /** Its retries are used up; the next night begins with preflight. */
  | { readonly kind: 'next-night' }
  /** A Job for any of the nodes, made by hand or left over from an earlier night, runs, and dies after so many changes. */
  | { readonly kind: 'stray'; readonly node: number; readonly after: number }
  /** A node of the old version joins. */
  | { readonly kind: 'join' };

export interface Simulation {
  make(move: Move): void;
  nodes(): readonly NodeFact[];
  isOver(): boolean;
  /** What must never be, at this moment or at any before it. */
  defects(): readonly string[];
  /** Nodes in the order in which the chain began with them, without those that a stray Job had begun with. */
  begun(): readonly string[];
  readonly cordonedByHand: string;
}

export interface SimulationOptions {
  readonly planes: number;
  readonly workers: number;
  readonly from: string;
  /** Kubelets of the workers, when they are older than the control planes: taken in turn. */
  readonly kubelets: readonly string[];
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
export function createSimulation({
  planes,
  workers,
  from,
  kubelets,
  target,
  cordonedByHand,
}: SimulationOptions): Simulation {
  const names = [
    ...Array.from({ length: planes }, (_, index) => `cp-${index}`),
    ...Array.from({ length: workers }, (_, index) => `node-${index}`),
  ];
  const byHand = names[cordonedByHand] ?? '';
  let nodes: readonly NodeFact[] = names.map((name, index) =>
    exampleNode(name, {
      kubelet: index < planes ? from : (kubelets[index % kubelets.length] ?? from),
      schedulable: name !== byHand,
    }),
  );
  const found: string[] = [];
  const finished = new Set<string>();
  const strayed = new Set<string>();
  const begun: string[] = [];
  let joined = 0;

  const change = (name: string, by: (node: NodeFact) => NodeFact): void => {
    nodes = nodes.map((node) => (node.name === name ? by(node) : node));
    const node = nodes.find((one) => one.name === name);
    // What a stray Job has left is looked at when the chain comes to that node.
    const drained = nodes.filter((one) => one.cordonedBy !== null && !strayed.has(one.name));
    if (drained.length > 1) found.push(`${drained.map((one) => one.name).join(' and ')} are drained at once`);
    if (node?.cordonedBy !== null && finished.has(name)) found.push(`${name} was cordoned after it was finished`);
    if (nodes.some((one) => one.name === byHand && one.schedulable)) found.push('the cordon of a person was lifted');
    found.push(...skewDefects(nodes));
    for (const one of nodes) if (isOnTarget(one, target)) finished.add(one.name);
  };
  const run = (step: Step, most: number): void => {
    const name = nodeOf(step);
    const node = nodes.find((one) => one.name === name);
    if (name === undefined || node === undefined) return;
    // As runPhase does: done already, or refused.
    if (isOnTarget(node, target) || tooEarly(step, nodes, target) !== undefined) return;
    const place = placement(step, nodes, target);
    if (place.kind === 'node' && place.node === name) found.push(`the Job of ${name} runs on ${name}`);
    // Nowhere to run: refused, and a person's business.
    if (place.kind === 'none') return;
    if (most > 0 && !begun.includes(name)) begun.push(name);
    for (const one of changesOf(node, target).slice(0, most)) change(name, one);
  };
  return {
    cordonedByHand: byHand,
    nodes: () => nodes,
    isOver: () => nextStep(nodes, target).phase === 'postflight',
    defects: () => found,
    begun: () => begun.filter((name) => !strayed.has(name)),
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
        case 'stray': {
          const node = nodes[move.node % nodes.length];
          if (node === undefined) return;
          strayed.add(node.name);
          return run({ phase: node.role === 'worker' ? 'worker' : 'master', node: node.name }, move.after);
        }
        case 'join':
          joined += 1;
          nodes = [...nodes, exampleNode(`node-new-${joined}`, { kubelet: from })];
      }
    },
  };
}

/** https://kubernetes.io/releases/version-skew-policy/#kubelet */
const OLDEST_KUBELET = 3;

/**
 * No worker's kubelet is newer than any API server, no control plane's is newer than its own (kubeadm upgrades them one
 * by one, kubelet included), none is more than three minors older, and API servers are within one minor.
 */
export function skewDefects(nodes: readonly NodeFact[]): readonly string[] {
  const servers = nodes.flatMap(({ apiServer }) => (apiServer === null ? [] : [minorNumber(apiServer)]));
  const oldest = Math.min(...servers);
  const newest = Math.max(...servers);
  const newer = nodes.filter(
    ({ kubelet, apiServer }) => minorNumber(kubelet) > (apiServer === null ? oldest : minorNumber(apiServer)),
  );
  const older = nodes.filter(({ kubelet }) => newest - minorNumber(kubelet) > OLDEST_KUBELET);
  return [
    ...newer.map(({ name }) => `the kubelet of ${name} is newer than an API server`),
    ...older.map(({ name }) => `the kubelet of ${name} is too old for an API server`),
    ...(newest - oldest > 1 ? ['API servers are more than one minor apart'] : []),
  ];
}
