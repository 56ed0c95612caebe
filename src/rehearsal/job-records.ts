import type { Job, Pod } from './api/kinds.ts';
import { jobs, pods } from './api/resources.ts';
import type { Store } from './api/store.ts';
import { isTrue } from './controllers/conditions.ts';
import { controllerOf } from './controllers/ownership.ts';

export interface JobRecord {
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** undefined while it is not over. */
  readonly endedAt: number | undefined;
  /** The node of its newest pod. */
  readonly runner: string | null;
}

export interface JobRecords {
  of(uid: string): JobRecord | undefined;
  close(): void;
}

/**
 * What the API forgets: the times of Jobs more closely than to the second, in which a fast night's Job is over, and
 * where a Job ran, when its pod went with the next drain.
 */
export function startJobRecords(store: Store): JobRecords {
  const records = new Map<string, { startedAt: number; endedAt: number | undefined; runner: string | null }>();
  const recordOf = (uid: string) => {
    const known = records.get(uid) ?? { startedAt: Date.now(), endedAt: undefined, runner: null };
    records.set(uid, known);
    return known;
  };
  const close = store.subscribe(({ type, resource, object }) => {
    // Events of a resource carry its objects.
    if (resource === pods) {
      const owner = controllerOf(object);
      const { nodeName } = (object as Pod).spec;
      if (owner?.kind === 'Job' && nodeName !== undefined) recordOf(owner.uid).runner = nodeName;
    }
    if (resource !== jobs) return;
    const record = recordOf(object.metadata.uid);
    const { conditions } = (object as Job).status;
    const isOver = type === 'DELETED' || isTrue(conditions, 'Complete') || isTrue(conditions, 'Failed');
    if (isOver) record.endedAt ??= Date.now();
  });
  return { of: (uid) => records.get(uid), close };
}
