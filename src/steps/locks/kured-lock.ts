import { z } from 'zod';

/** TTL is Go's time.Duration in nanoseconds; 0 never ends. */
const Lock = z.object({ nodeID: z.string(), created: z.string().default(''), TTL: z.number().default(0) });
const Single = Lock;
const Shared = z.looseObject({ maxOwners: z.number().default(1), locks: z.array(Lock.loose()).nullable() });

type Lock = z.infer<typeof Lock>;

/** One that is left behind, because nobody of us is there any more, ends by itself: as a leaked latch does (I21). */
const TTL_HOURS = 12;
/** More than a cluster restarts at a time; a number from outside never becomes a list of any length. */
const MOST_OWNERS = 100;

/**
 * The nodes that kured is about to restart, by the annotation in which it keeps its lock (one lock, or a list with
 * `--concurrency`), without `ours`. A lock that cannot be read is held by somebody: 'unknown'. Pure.
 */
export function rebootingNodes(annotation: string | undefined, now: Date, ours?: string): readonly string[] {
  if (annotation === undefined || annotation.trim() === '') return [];
  const locks = locksOf(annotation);
  if (locks === undefined) return ['unknown (the lock cannot be read)'];
  return [
    ...new Set(
      locks
        .filter((lock) => lock.nodeID !== '' && lock.nodeID !== ours && !hasEnded(lock, now))
        .map(({ nodeID }) => nodeID),
    ),
  ];
}

/** Every lock in either form, and in the form that is both; undefined when it cannot be read. */
function locksOf(annotation: string): readonly Lock[] | undefined {
  const found = parseJson(annotation);
  const shared = Shared.safeParse(found);
  const single = Single.safeParse(found);
  if (!shared.success && !single.success) return undefined;
  // A list that is there and cannot be read must not hide behind a name beside it.
  if (!shared.success && typeof found === 'object' && found !== null && 'locks' in found) return undefined;
  return [...(shared.data?.locks ?? []), ...(single.success ? [single.data] : [])];
}

function hasEnded({ created, TTL }: Lock, now: Date): boolean {
  const end = Date.parse(created) + TTL / 1_000_000;
  return TTL > 0 && !Number.isNaN(end) && end < now.getTime();
}

/** Whom the lock names for us. No node can have this name, so no kured takes the lock for its own. */
export function lockHolder(namespace: string): string {
  return `nightlift:${namespace}`;
}

/**
 * The annotation with every place of the lock taken. kured reads one form or the other by its `--concurrency`, and no field
 * that it does not know, so it is written in both at once. `concurrency`: how many nodes kured restarts at a time. Pure.
 */
export function takenLock(annotation: string | undefined, holder: string, concurrency: number, now: Date): string {
  const maxOwners = Shared.safeParse(parseJson(annotation ?? '')).data?.maxOwners ?? 1;
  const owners = Math.min(MOST_OWNERS, Math.max(1, Math.floor(maxOwners), concurrency));
  const lock = {
    nodeID: holder,
    metadata: { unschedulable: false },
    created: now.toISOString(),
    TTL: TTL_HOURS * 3600 * 1_000_000_000,
  };
  return JSON.stringify({ ...lock, maxOwners: owners, locks: Array.from({ length: owners }, () => lock) });
}

/** The annotation without what is ours: null when nothing is left, undefined when nothing in it is ours. Pure. */
export function returnedLock(annotation: string | undefined, holder: string): string | null | undefined {
  if (annotation === undefined || locksOf(annotation)?.some(({ nodeID }) => nodeID === holder) !== true)
    return undefined;
  const { maxOwners, locks } = Shared.safeParse(parseJson(annotation)).data ?? { maxOwners: 1, locks: null };
  const others = (locks ?? []).filter(({ nodeID }) => nodeID !== holder);
  const written = Single.loose().safeParse(parseJson(annotation)).data ?? { nodeID: '' };
  const { maxOwners: _, locks: __, ...single } = { maxOwners, locks, ...written };
  const isOthers = single.nodeID !== holder && single.nodeID !== '';
  if (!isOthers && others.length === 0) return null;
  return JSON.stringify({ ...(isOthers ? single : {}), ...(others.length === 0 ? {} : { maxOwners, locks: others }) });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
