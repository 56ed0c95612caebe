import type { Scenario } from './scenario.ts';

/** Scenarios that run one after the other, in a process and on clusters of their own. */
export interface Lane {
  readonly name: string;
  /** Of its clusters; a lane has one of them at a time. */
  readonly subnets: Readonly<Record<ClusterKind, number>>;
  readonly scenarios: readonly Scenario[];
}

export const clusterKinds = ['one', 'ha'] as const;

type ClusterKind = (typeof clusterKinds)[number];

export function clusterName(lane: Pick<Lane, 'name'>, kind: ClusterKind): string {
  return `t${lane.name}-${kind}`;
}

/** Lanes of one stage run side by side, stages one after the other. */
export function planStages(chosen: readonly Scenario[], lanes: number): readonly (readonly Lane[])[] {
  if (lanes === 1) return [[lane(1, chosen)]];
  const alone = chosen.filter((scenario) => scenario.alone === true);
  const together = divide(
    chosen.filter((scenario) => scenario.alone !== true),
    lanes,
  );
  return [
    together.map((scenarios, index) => lane(index + 1, scenarios)),
    alone.length > 0 ? [lane(1, alone)] : [],
  ].filter((stage) => stage.length > 0);
}

function lane(number: number, scenarios: readonly Scenario[]): Lane {
  const first = 38 + 2 * number;
  return { name: String(number), subnets: { one: first, ha: first + 1 }, scenarios };
}

/** The longest first, each to the lane that has least to do; within a lane in the declared order, in which clusters are shared. */
function divide(scenarios: readonly Scenario[], lanes: number): readonly (readonly Scenario[])[] {
  const share = secondsOf(scenarios) / lanes;
  // What is longer than its share of the whole is divided: one cluster more costs less than a lane that waits.
  const groups = [...Map.groupBy(scenarios, clusterGroup).values()].flatMap((group) =>
    secondsOf(group) > share ? group.map((scenario) => [scenario]) : [group],
  );
  const filled: Scenario[][] = Array.from({ length: lanes }, () => []);
  for (const group of groups.toSorted((one, other) => secondsOf(other) - secondsOf(one)))
    filled.toSorted((one, other) => secondsOf(one) - secondsOf(other))[0]?.push(...group);
  return filled
    .filter((some) => some.length > 0)
    .map((some) => some.toSorted((one, other) => scenarios.indexOf(one) - scenarios.indexOf(other)));
}

/** Scenarios that can follow each other on one cluster. */
function clusterGroup({ name, cluster }: Scenario): string {
  return cluster.fresh === true ? name : `${cluster.controlPlanes}+${cluster.workers}`;
}

function secondsOf(scenarios: readonly Scenario[]): number {
  return scenarios.reduce((sum, { seconds }) => sum + seconds, 0);
}
