import { randomInt, randomUUID } from 'node:crypto';
import { sameJson } from './json.ts';
import type { KubeObject, NewObject, ObjectMeta } from './kinds.ts';
import type { FieldError, Resource } from './resource.ts';
import { apiVersionOf } from './resources.ts';
import { conflict, invalid, StatusError } from './status-error.ts';
import { validateMeta } from './validation.ts';

/** 'main' leaves the status alone, 'status' everything but the status and the metadata; 'all' is for the cluster's own parts. */
export type Part = 'all' | 'main' | 'status';

/** Letters and digits of generated names: no vowels, so that no words come out (apimachinery `util/rand`). */
const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const GENERATED_BASE_MAX = 58;

export function randomSuffix(length = 5): string {
  return Array.from({ length }, () => NAME_ALPHABET[randomInt(NAME_ALPHABET.length)]).join('');
}

/** A time as Kubernetes writes it: whole seconds. */
export function timestamp(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** A time of a Lease or an Event: six fractional digits. */
export function microTimestamp(date: Date): string {
  return date.toISOString().replace('Z', '000Z');
}

export function completeNewObject<T extends KubeObject>(
  resource: Resource<T>,
  given: NewObject<T>,
  now: Date,
  part: Part,
): T {
  const meta = given.metadata;
  if (meta.resourceVersion !== undefined && meta.resourceVersion !== '') {
    throw new StatusError(500, '', 'resourceVersion should not be set on objects to be created');
  }
  const name = nameFor(resource, meta);
  const { namespace: givenNamespace, resourceVersion: _, deletionTimestamp: __, ...kept } = meta;
  const metadata: ObjectMeta = {
    ...kept,
    name,
    ...(resource.namespaced ? { namespace: givenNamespace ?? 'default' } : {}),
    uid: randomUUID(),
    resourceVersion: '0',
    ...(resource.generation === true ? { generation: 1 } : {}),
    creationTimestamp: timestamp(now),
  };
  const status = part === 'main' ? undefined : given.status;
  // What the fields of T are beside metadata and status, the writer has given; defaults and validation come next.
  const object = { ...given, apiVersion: apiVersionOf(resource), kind: resource.kind, metadata } as unknown as T;
  if (resource.subresources.includes('status')) object.status = status ?? {};
  if (resource.kind === 'Namespace') completeNamespace(object);
  runDefaults(resource, object);
  const errors = [...validateMeta(resource, metadata), ...(resource.validate?.(object, undefined) ?? [])];
  if (errors.length > 0) throw invalid(resource, name, errors);
  return object;
}

function runDefaults<T extends KubeObject>(resource: Resource<T>, object: T): void {
  if (resource.defaults === undefined) return;
  try {
    resource.defaults(object);
  } catch (error) {
    // Defaults look into required fields first; an object without them must not take the server down.
    if (!(error instanceof TypeError)) throw error;
    throw invalid(resource, object.metadata.name, [
      { reason: 'FieldValueRequired', field: 'spec', message: 'Required value' },
    ]);
  }
}

function completeNamespace(namespace: KubeObject): void {
  namespace.metadata.labels = { ...namespace.metadata.labels, 'kubernetes.io/metadata.name': namespace.metadata.name };
  namespace.spec = { finalizers: ['kubernetes'] };
  namespace.status = { phase: 'Active' };
}

function nameFor(resource: Resource, meta: Partial<ObjectMeta>): string {
  if (meta.name !== undefined && meta.name !== '') return meta.name;
  if (meta.generateName !== undefined && meta.generateName !== '') {
    return `${meta.generateName.slice(0, GENERATED_BASE_MAX)}${randomSuffix()}`;
  }
  throw invalid(resource, '', [
    {
      reason: 'FieldValueRequired',
      field: 'metadata.name',
      message: 'Required value: name or generateName is required',
    },
  ]);
}

export function completeUpdate<T extends KubeObject>(resource: Resource<T>, current: T, given: T, part: Part): T {
  const { name } = current.metadata;
  const { resourceVersion } = given.metadata;
  if (
    part === 'main' &&
    resource.conditionalUpdates === true &&
    (resourceVersion === undefined || resourceVersion === '')
  ) {
    // This one answer of the real server names the resource where all others name the kind.
    throw invalid({ ...resource, kind: resource.plural }, name, [
      {
        reason: 'FieldValueInvalid',
        field: 'metadata.resourceVersion',
        message: 'Invalid value: 0: must be specified for an update',
      },
    ]);
  }
  if (given.metadata.uid !== undefined && given.metadata.uid !== current.metadata.uid) {
    const both = `UID in precondition: ${given.metadata.uid}, UID in object meta: ${current.metadata.uid}`;
    throw conflict(resource, name, `Precondition failed: ${both}`);
  }
  const next: T = part === 'status' ? { ...current, metadata: given.metadata, status: given.status } : { ...given };
  if (part === 'main' && resource.subresources.includes('status')) next.status = current.status;
  next.apiVersion = current.apiVersion;
  next.kind = current.kind;
  next.metadata = updatedMeta(current.metadata, given.metadata);
  if (resource.generation === true && !sameJson(next.spec, current.spec)) {
    next.metadata.generation = (current.metadata.generation ?? 1) + 1;
  }
  if (part !== 'all') checkUpdate(resource, current, next);
  return next;
}

function updatedMeta(current: ObjectMeta, given: ObjectMeta): ObjectMeta {
  const { labels, annotations, finalizers, ownerReferences } = given;
  const { labels: _, annotations: __, finalizers: ___, ownerReferences: ____, ...fixed } = current;
  return {
    ...fixed,
    ...(isEmpty(labels) ? {} : { labels }),
    ...(isEmpty(annotations) ? {} : { annotations }),
    ...(isEmpty(finalizers) ? {} : { finalizers }),
    ...(isEmpty(ownerReferences) ? {} : { ownerReferences }),
  };
}

function isEmpty(value: object | undefined | null): value is undefined {
  return value === undefined || value === null || Object.keys(value).length === 0;
}

function checkUpdate<T extends KubeObject>(resource: Resource<T>, current: T, next: T): void {
  const { name } = current.metadata;
  const errors: FieldError[] = [
    ...validateMeta(resource, next.metadata),
    ...(resource.validate?.(next, current) ?? []),
  ];
  if (errors.length > 0) throw invalid(resource, name, errors);
  const known = current.metadata.finalizers ?? [];
  const added = (next.metadata.finalizers ?? []).filter((each) => !known.includes(each));
  if (current.metadata.deletionTimestamp !== undefined && added.length > 0) {
    const list = added.map((each) => `"${each}"`).join(', ');
    const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
    throw invalid(resource, name, [{ reason: 'FieldValueForbidden', field: 'metadata.finalizers', message }]);
  }
}
