import { type DeleteOptions, type DeleteResult, deletionOf, isGone } from './deletion.ts';
import { deepFreeze, plainCopy, sameJson } from './json.ts';
import type { KubeObject, NewObject } from './kinds.ts';
import { completeNewObject, completeUpdate, type Part } from './object-changes.ts';
import type { Resource } from './resource.ts';
import { fieldText, parseLabelSelector } from './selector.ts';
import { alreadyExists, conflict, notFound } from './status-error.ts';

export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: Resource;
  readonly object: KubeObject;
  /** What the object was before; watches with a selector need it to tell who leaves the selection. */
  readonly previous?: KubeObject;
  readonly version: number;
}

export interface ListFilter {
  readonly namespace?: string;
  /** A label selector as in the `labelSelector` parameter. */
  readonly labels?: string;
  /** Field paths and the text that they must have. */
  readonly fields?: Readonly<Record<string, string>>;
}

export interface WriteOptions {
  readonly dryRun?: boolean;
  /** Which part of the object is written; HTTP writers may touch one of them only. */
  readonly part?: Part;
}

type Listener = (event: StoreEvent) => void;

const HISTORY_LIMIT = 20_000;

/**
 * All objects of the embedded cluster: one generic collection for each resource, one version counter, events in order.
 * Objects that it returns are frozen and shared; `modify` gives a copy to change.
 */
export class Store {
  readonly now: () => Date;
  readonly #collections = new Map<string, Map<string, KubeObject>>();
  readonly #listeners = new Set<Listener>();
  readonly #history: StoreEvent[] = [];
  readonly #undelivered: StoreEvent[] = [];
  #delivering = false;
  #version = 1;

  constructor(options: { readonly now?: () => Date } = {}) {
    this.now = options.now ?? (() => new Date());
  }

  get version(): number {
    return this.#version;
  }

  get<T extends KubeObject>(resource: Resource<T>, name: string, namespace?: string): T | undefined {
    // Collections hold only what was written through the same resource.
    return this.#collection(resource).get(keyOf(resource, name, namespace)) as T | undefined;
  }

  /** As `get`; throws 404 when there is none. */
  read<T extends KubeObject>(resource: Resource<T>, name: string, namespace?: string): T {
    const found = this.get(resource, name, namespace);
    if (found === undefined) throw notFound(resource, name);
    return found;
  }

  /** In the order of namespace and name, as the real server lists. */
  list<T extends KubeObject>(resource: Resource<T>, filter: ListFilter = {}): T[] {
    const labels = filter.labels === undefined ? undefined : parseLabelSelector(filter.labels);
    const fields = Object.entries(filter.fields ?? {});
    const found: [string, KubeObject][] = [];
    for (const [key, object] of this.#collection(resource)) {
      if (filter.namespace !== undefined && object.metadata.namespace !== filter.namespace) continue;
      if (labels?.(object.metadata.labels ?? {}) === false) continue;
      if (!fields.every(([path, text]) => fieldText(object, path) === text)) continue;
      found.push([key, object]);
    }
    found.sort(([left], [right]) => (left < right ? -1 : 1));
    return found.map(([, object]) => object as T);
  }

  create<T extends KubeObject>(resource: Resource<T>, given: NewObject<T>, options: WriteOptions = {}): T {
    const object = completeNewObject(resource, plainCopy(given), this.now(), options.part ?? 'all');
    const { name, namespace } = object.metadata;
    if (this.get(resource, name, namespace) !== undefined) throw alreadyExists(resource, name);
    if (options.dryRun === true) return object;
    return this.#commit(resource, 'ADDED', object, undefined);
  }

  /** Replaces the object; the resourceVersion, when it carries one, must be the current one. */
  update<T extends KubeObject>(resource: Resource<T>, given: T, options: WriteOptions = {}): T {
    const { name, namespace, resourceVersion } = given.metadata;
    const current = this.read(resource, name, namespace);
    const stale = resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion;
    if (stale) throw conflict(resource, name);
    const next = completeUpdate(resource, current, plainCopy(given), options.part ?? 'all');
    if (options.dryRun === true) return next;
    if (isGone(next)) return this.#commit(resource, 'DELETED', next, current);
    if (sameJson(next, current)) return current;
    return this.#commit(resource, 'MODIFIED', next, current);
  }

  /** Changes a copy of the object and stores it. Nothing is written when `change` changes nothing. */
  modify<T extends KubeObject>(
    resource: Resource<T>,
    name: string,
    namespace: string | undefined,
    change: (draft: T) => void,
  ): T {
    const draft = plainCopy(this.read(resource, name, namespace));
    change(draft);
    return this.update(resource, draft);
  }

  delete<T extends KubeObject>(
    resource: Resource<T>,
    name: string,
    namespace?: string,
    options: DeleteOptions = {},
  ): DeleteResult<T> {
    const current = this.read(resource, name, namespace);
    const next = deletionOf(resource, plainCopy(current), options, this.now());
    if (options.dryRun === true) return { object: current, gone: isGone(next) };
    if (isGone(next)) return { object: this.#commit(resource, 'DELETED', next, current), gone: true };
    if (sameJson(next, current)) return { object: current, gone: false };
    return { object: this.#commit(resource, 'MODIFIED', next, current), gone: false };
  }

  /** Called after each change, in order, never inside another listener's call. Returns what ends it. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Events after a version; undefined when they are no longer kept. */
  eventsAfter(version: number): readonly StoreEvent[] | undefined {
    const oldest = this.#history[0]?.version ?? this.#version + 1;
    if (version < oldest - 1 && this.#history.length === HISTORY_LIMIT) return undefined;
    return this.#history.filter((event) => event.version > version);
  }

  #collection(resource: Resource): Map<string, KubeObject> {
    const id = `${resource.group}/${resource.plural}`;
    let collection = this.#collections.get(id);
    if (collection === undefined) this.#collections.set(id, (collection = new Map<string, KubeObject>()));
    return collection;
  }

  #commit<T extends KubeObject>(
    resource: Resource<T>,
    type: StoreEvent['type'],
    object: T,
    previous: T | undefined,
  ): T {
    this.#version += 1;
    object.metadata.resourceVersion = String(this.#version);
    const stored = deepFreeze(object);
    const key = keyOf(resource, object.metadata.name, object.metadata.namespace);
    if (type === 'DELETED') this.#collection(resource).delete(key);
    else this.#collection(resource).set(key, stored);
    const event: StoreEvent = {
      type,
      resource,
      object: stored,
      version: this.#version,
      ...(previous === undefined ? {} : { previous }),
    };
    this.#history.push(event);
    if (this.#history.length > HISTORY_LIMIT) this.#history.shift();
    this.#undelivered.push(event);
    this.#deliver();
    return stored;
  }

  // A listener that writes must not make the others see the second event before the first.
  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      for (let event = this.#undelivered.shift(); event !== undefined; event = this.#undelivered.shift()) {
        for (const listener of this.#listeners) listener(event);
      }
    } finally {
      this.#delivering = false;
    }
  }
}

function keyOf(resource: Resource, name: string, namespace: string | undefined): string {
  return resource.namespaced ? `${namespace ?? 'default'}/${name}` : name;
}
