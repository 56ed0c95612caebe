import { isDeepStrictEqual } from 'node:util';
import type { Access } from '../../src/node/ssh-node-shell.ts';
import type { Topology } from '../../src/rehearsal/topology.ts';
import { type MortalNights, mortalNights } from './mortal-night.ts';

export interface KillPointsOptions {
  readonly topology: Topology;
  readonly target: string;
  readonly foreignCordons: readonly string[];
  readonly access?: Access;
  readonly withoutDrain?: boolean;
  /** Of the recorded points only every so manieth is taken. */
  readonly every?: number;
}

export interface KillPointsResult {
  readonly points: number;
  readonly taken: number;
  /** Points that never came again: in another night what is asked at the same time comes in another order. */
  readonly missed: readonly string[];
  /** How many upgrades it took to die at all of them. */
  readonly upgrades: number;
  /** What was otherwise than in the night in which nothing was killed, or must never be. */
  readonly problems: readonly string[];
}

/** A point that comes only when a wait happens to last longer is not waited for for ever; a sample could as well have had another. */
const FRUITLESS_UPGRADES = { all: 2, sample: 1 };
const MOST_UPGRADES = 12;
/**
 * A command that was on its way when its process died can reach a busy node after the next one has done the same and
 * cleaned up: it finds everything done and leaves its record, which a later stage.sh removes.
 */
const LATE_COMMANDS = 1;

/**
 * Records the points of a night in which nothing is killed, then kills a process at each of them, as many in one upgrade
 * as there are: its Job comes back and goes on. Each upgrade has to end as the first one did.
 */
export async function killAtEveryPoint({ every = 1, ...night }: KillPointsOptions): Promise<KillPointsResult> {
  const points = new Set<string>();
  const whole = await mortalNights({
    ...night,
    decide: (key) => {
      points.add(key);
      return false;
    },
  });
  const taken = [...points].filter((_key, index) => index % every === 0);
  const left = new Set(taken);
  const problems: string[] = problemsOf(whole, whole);
  let upgrades = 0;
  const most = FRUITLESS_UPGRADES[every === 1 ? 'all' : 'sample'];
  for (let fruitless = 0; left.size > 0 && fruitless < most && upgrades < MOST_UPGRADES; upgrades += 1) {
    const before = left.size;
    const killed = await mortalNights({ ...night, decide: (key) => left.delete(key) });
    problems.push(...problemsOf(killed, whole));
    fruitless = left.size === before ? fruitless + 1 : 0;
  }
  return { points: points.size, taken: taken.length, missed: [...left], upgrades, problems };
}

function problemsOf(killed: MortalNights, whole: MortalNights): string[] {
  const last = killed.nights.at(-1)?.outcome ?? 'nothing';
  const problems = [
    ...(last === 'upgraded' || last === 'nothing' ? [] : [`the last night ended ${last}`]),
    ...killed.violations,
    ...differences('state', killed.state, whole.state),
    ...(killed.unitsLeft.length > (killed === whole ? 0 : LATE_COMMANDS) ? killed.unitsLeft : []),
    ...differences('cordons', killed.cordons, whole.cordons),
  ];
  return problems.length === 0 ? [] : [...problems, killed.log];
}

function differences(what: string, is: unknown, should: unknown): readonly string[] {
  if (isDeepStrictEqual(is, should)) return [];
  const shown = (value: unknown): string => JSON.stringify(value instanceof Map ? [...value] : value);
  return [`${what}: ${shown(is)} instead of ${shown(should)}`];
}
