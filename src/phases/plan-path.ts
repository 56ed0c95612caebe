import { upgradedNode } from '../chain/placed-steps.ts';
import type { Facts } from '../facts/facts.ts';
import { gateChecks } from '../gate/checks.ts';
import { evaluateGate } from '../gate/evaluate-gate.ts';
import type { GateResult } from '../gate/finding.ts';
import type { GateOptions } from '../gate/gate-options.ts';
import { known, notAsked } from '../observed.ts';
import type { Settings } from '../settings/settings.ts';
import { planUpgrade, type UpgradePlan } from './plan-upgrade.ts';

interface Way {
  readonly from: string;
  readonly target: string;
  readonly hops: readonly { readonly version: string; readonly why: string }[];
}

interface PlannedHop extends UpgradePlan {
  readonly why: string;
}

/** Several upgrades one after the other. */
export interface PathPlan {
  readonly from: string;
  readonly target: string;
  /** X.Y.Z of what runs now, and of each hop. */
  readonly path: readonly string[];
  /** How etcd is saved before each hop. */
  readonly snapshots: string;
  readonly hops: readonly PlannedHop[];
  /** Of all hops, without waits for budgets and alerts. */
  readonly seconds: number;
}

/** Pure: each hop planned on the cluster as the hop before leaves it. What drains would evict is known of the first alone. */
export function planPath(facts: Facts, { from, target, hops: way }: Way, settings: Settings): PathPlan {
  const hops: PlannedHop[] = [];
  let running = from;
  let now = facts;
  for (const { version, why } of way) {
    hops.push({ ...planUpgrade(now, version, running, settings), why });
    running = version;
    now = leftOn(now, version);
  }
  return {
    from,
    target,
    path: [...new Set([from, ...way.map(({ version }) => version)])],
    snapshots: snapshotsOf(settings),
    hops,
    seconds: hops.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}

/**
 * Pure: what the gate says of the later hops as far as it is known today, each on the cluster as the hop before leaves it. Each is
 * asked all of it when it is its turn; but who begins a path should know that its end is not free.
 */
export function gatesAhead(facts: Facts, { hops: way }: Way, options: GateOptions): readonly GateResult[] {
  return way
    .slice(1)
    .map(({ version }, index) => evaluateGate(leftOn(facts, way[index]?.version ?? ''), version, gateChecks, options));
}

/** The cluster as a hop leaves it: what drains would evict is not known of it. */
function leftOn(facts: Facts, version: string): Facts {
  const { nodes } = facts;
  return {
    ...facts,
    apiServer: known(version),
    drains: notAsked(),
    ...(nodes.known ? { nodes: known(nodes.value.map((node) => upgradedNode(node, version))) } : {}),
  };
}

/** Which of the ways it is, preflight finds out in the cluster. */
export function snapshotsOf({ snapshot: { cronJob, namespace, own, directory, required } }: Settings): string {
  const ways = [
    ...(cronJob === '' ? [] : [`by CronJob ${namespace}/${cronJob}`]),
    ...(own ? [`in ${directory} of a control plane`] : []),
  ];
  if (ways.length === 0) return required ? 'a snapshot is required, and no way to take one is set' : 'none is taken';
  return ways.join(', or without that ');
}
