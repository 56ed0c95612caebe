import { isNotFound } from '../cluster/kube-error.ts';
import type { Deps } from '../deps.ts';
import { NightliftError } from '../errors.ts';
import { RECORDS } from '../facts/run-history.ts';
import type { Settings } from '../settings/settings.ts';
import { NIGHT_HOPS, type NightHop, nightHops } from './night-hops.ts';

interface WithCluster {
  readonly deps: Pick<Deps, 'cluster' | 'settings'>;
  readonly signal: AbortSignal;
}

/** What the annotations of the run on our namespace begin with. */
export function runPrefix({ annotationPrefix }: Pick<Settings, 'annotationPrefix'>): string {
  return `${annotationPrefix}/k8s-upgrade-`;
}

/** The record as it is written, by key without the prefix. @throws NightliftError (config) without the namespace. */
export async function readRun({ deps, signal }: WithCluster): Promise<Readonly<Record<string, string>>> {
  const prefix = runPrefix(deps.settings);
  const { namespace } = deps.settings;
  const all = await deps.cluster.namespaceAnnotations(namespace, signal).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    throw new NightliftError('config', `reading the record of the run: there is no namespace ${namespace}`, {
      remedy: 'Install Nightlift in the cluster (kubectl apply -k deploy), or name its namespace with --namespace.',
    });
  });
  return Object.fromEntries(
    Object.entries(all)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
}

/** What the note of a run begins with that the detection refused. */
export const NOT_BEGUN = 'before it was begun: ';

/** The version that lies ready on the nodes, or on some of them; outlives a run that stops. */
export const STAGED = 'staged';

/** What a run has noted of the cluster before its first change, by which it is judged after it; of another run it says nothing. */
export const NOTED = { broken: 'not-well', devices: 'devices-before', targets: 'targets-before' } as const;
export const NOT_NOTED = Object.fromEntries(Object.values(NOTED).map((key) => [key, null]));

/** Seconds by the node and the process whose step saw it, `cp-1@POD=40 cp-2@POD=35+`; outlives the run, until the next one begins. */
export const API_AWAY = 'api-away';

/** The target to which a node was upgraded that was not drained (`drain.mode`); outlives the run, until the next one begins. */
export const NOT_DRAINED = 'not-drained';
/** Longest seconds of a node by phase, `master=310 worker=700`, of this run; and the node that is at work, with its time. */
export const TOOK = 'took';
export const BEGUN = 'begun';

export interface Away {
  readonly seconds: number;
  /** It was seen by a process that went on after another one, which may have ended before it was over: written with a `+`. */
  readonly atLeast: boolean;
}

/** What is not of that form says nothing. */
export function secondsAway(text = ''): ReadonlyMap<string, Away> {
  return new Map(
    [...text.matchAll(/(?<=^| )([^ =]+)=(\d{1,9})(\+?)(?= |$)/g)].map(([, who = '', seconds, more]) => [
      who,
      { seconds: Number(seconds), atLeast: more === '+' },
    ]),
  );
}

/** Of one process the longest, as it counts from its beginning. */
export function withSecondsAway(before: ReadonlyMap<string, Away>, who: string, away: Away): string {
  const known = before.get(who);
  const seconds = Math.max(away.seconds, known?.seconds ?? 0);
  const all = new Map(before).set(who, { seconds, atLeast: away.atLeast || known?.atLeast === true });
  return [...all].map(([name, one]) => `${name}=${one.seconds}${one.atLeast ? '+' : ''}`).join(' ');
}

/** Where the record of the newest run is; outlives it. */
export const RECORD = 'record';
/** undefined when there is none yet, or somebody has written something else. */
export function placeOf(run: Readonly<Record<string, string>>): number | undefined {
  const place = Number(run[RECORD] ?? Number.NaN);
  return Number.isInteger(place) && place >= 1 && place <= RECORDS ? place : undefined;
}

const STOPPED_AS = ['blocked', 'held', 'paused', 'failed'] as const;
export type StoppedAs = (typeof STOPPED_AS)[number];

export interface RecordedRun {
  readonly startedAt: string | null;
  readonly target: string | null;
  readonly snapshotPath: string | null;
  readonly stopped: string | null;
  /** Since a note can outlive its run: the next one may stop without being able to write down why. */
  readonly stoppedAt: string | null;
  readonly stoppedAs?: StoppedAs | null;
  /** In which it stopped: 'worker worker-2', 'preflight'. */
  readonly stoppedStep?: string | null;
  readonly takenBack?: string[];
  readonly hops?: NightHop[];
  readonly apiAwaySeconds?: number | null;
  readonly apiAwayAtLeast?: boolean;
  readonly notDrained?: string | null;
}

/** The record in typed form; what is not a time is none. */
export function recordedRun(run: Readonly<Record<string, string>>): RecordedRun {
  const away = [...secondsAway(run[API_AWAY]).values()];
  return {
    startedAt: timeOf(run['in-flight']),
    target: run['target'] ?? null,
    snapshotPath: run['snapshot-path'] ?? null,
    stopped: run['stopped'] ?? null,
    stoppedAt: timeOf(run['stopped-at']),
    stoppedAs: STOPPED_AS.find((one) => one === run['stopped-as']) ?? null,
    stoppedStep: run['stopped-step'] ?? null,
    takenBack: (run['taken-back'] ?? '').split(' ').filter((name) => name !== ''),
    hops: [...nightHops(run[NIGHT_HOPS])],
    // null: nobody has seen it away.
    apiAwaySeconds: away.length === 0 ? null : away.reduce((sum, { seconds }) => sum + seconds, 0),
    apiAwayAtLeast: away.some(({ atLeast }) => atLeast),
    notDrained: run[NOT_DRAINED] ?? null,
  };
}

function timeOf(text = ''): string | null {
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}
