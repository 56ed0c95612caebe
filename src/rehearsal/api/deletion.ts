import type { KubeObject, Pod } from './kinds.ts';
import type { Resource } from './resource.ts';
import { conflict } from './status-error.ts';

export interface DeleteOptions {
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
}

export interface DeleteResult<T extends KubeObject> {
  readonly object: T;
  /** False when the object waits for its finalizers, its grace period or its contents. */
  readonly gone: boolean;
}

export const ORPHAN_FINALIZER = 'orphan';
export const FOREGROUND_FINALIZER = 'foregroundDeletion';
export const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

/** The object as a delete leaves it; `isGone` tells whether anything still holds it. */
export function deletionOf<T extends KubeObject>(
  resource: Resource<T>,
  object: T,
  options: DeleteOptions,
  now: Date,
): T {
  checkPreconditions(resource, object, options);
  const { metadata } = object;
  const policy = options.propagationPolicy ?? existingPolicy(object) ?? resource.defaultPropagation ?? 'Background';
  const others = (metadata.finalizers ?? []).filter(
    (each) => each !== ORPHAN_FINALIZER && each !== FOREGROUND_FINALIZER,
  );
  if (policy === 'Orphan') others.push(ORPHAN_FINALIZER);
  if (policy === 'Foreground') others.push(FOREGROUND_FINALIZER);
  if (others.length > 0) metadata.finalizers = others;
  else delete metadata.finalizers;

  // The only pods of this store are Pods; the table's row says so.
  const grace = resource.kind === 'Pod' ? podGraceSeconds(object as KubeObject as Pod, options) : 0;
  if (grace === 0 || metadata.deletionTimestamp === undefined || grace < (metadata.deletionGracePeriodSeconds ?? 0)) {
    const wasDeleting = metadata.deletionTimestamp !== undefined;
    if (!wasDeleting || grace > 0) metadata.deletionTimestamp = new Date(now.getTime() + grace * 1000).toISOString();
    metadata.deletionTimestamp = metadata.deletionTimestamp?.replace(/\.\d+Z$/, 'Z') ?? now.toISOString();
    metadata.deletionGracePeriodSeconds = grace;
    if (!wasDeleting && metadata.generation !== undefined) metadata.generation += 1;
  }
  if (resource.kind === 'Namespace')
    Object.assign(object, { status: { ...asRecord(object.status), phase: 'Terminating' } });
  return object;
}

/** Whether nothing holds an object that is being deleted: no grace period left, no finalizer. */
export function isGone(object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds > 0 || finalizers.length > 0) return false;
  const contents = asRecord(object.spec)['finalizers'];
  return object.kind !== 'Namespace' || !Array.isArray(contents) || contents.length === 0;
}

export function checkPreconditions(resource: Resource, object: KubeObject, { preconditions }: DeleteOptions): void {
  const { name, uid, resourceVersion } = object.metadata;
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    const why = `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid})`;
    throw conflict(asKind(resource), name, `${why}. The object might have been deleted and then recreated`);
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    const given = preconditions.resourceVersion;
    const why = `the ResourceVersion in the precondition (${given}) does not match the ResourceVersion in record (${resourceVersion})`;
    throw conflict(asKind(resource), name, `${why}. The object might have been modified`);
  }
}

/** This one answer of the real server names the kind where all others name the resource. */
function asKind({ group, kind }: Resource): Pick<Resource, 'group' | 'plural' | 'kind'> {
  return { group, kind, plural: kind };
}

function existingPolicy(object: KubeObject): DeleteOptions['propagationPolicy'] | undefined {
  if (object.metadata.finalizers?.includes(ORPHAN_FINALIZER) === true) return 'Orphan';
  if (object.metadata.finalizers?.includes(FOREGROUND_FINALIZER) === true) return 'Foreground';
  return undefined;
}

/** Only a pod that may be running somewhere gets a grace period: its kubelet ends it (`pkg/registry/core/pod/strategy.go`). */
function podGraceSeconds(pod: Pod, options: DeleteOptions): number {
  const { phase } = pod.status;
  if (pod.spec.nodeName === undefined || pod.spec.nodeName === '') return 0;
  if (phase === 'Succeeded' || phase === 'Failed') return 0;
  if (pod.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined) return 0;
  return Math.max(0, options.gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30);
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
