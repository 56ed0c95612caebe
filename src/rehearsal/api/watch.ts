import type { ServerResponse } from 'node:http';
import type { KubeObject } from './kinds.ts';
import { selection } from './list.ts';
import type { Resource } from './resource.ts';
import { apiVersionOf } from './resources.ts';
import { expired } from './status-error.ts';
import type { Store, StoreEvent } from './store.ts';

const DEFAULT_TIMEOUT_SECONDS = 1800;

interface WatchRequest {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly query: URLSearchParams;
}

/** Streams changes as JSON lines until the client goes or `timeoutSeconds` are over. Returns what ends it. */
export function serveWatch(store: Store, request: WatchRequest, response: ServerResponse): () => void {
  const { resource, namespace, name, query } = request;
  const test = selection(resource, query);
  const concerns = (object: KubeObject): boolean =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (name === undefined || object.metadata.name === name) &&
    test(object);
  const from = query.get('resourceVersion') ?? '';
  const send = (type: string, object: unknown): void => {
    response.write(`${JSON.stringify({ type, object })}\n`);
  };
  const relay = (event: StoreEvent): void => {
    if (event.resource.plural !== resource.plural || event.resource.group !== resource.group) return;
    const seen = eventFor(event, concerns);
    if (seen !== undefined) send(seen, event.object);
  };

  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  if (from === '' || from === '0') {
    for (const object of store.list(resource)) if (concerns(object)) send('ADDED', object);
  } else {
    const missed = store.eventsAfter(Number(from));
    if (missed === undefined) {
      send('ERROR', expired(`too old resource version: ${from} (${store.version})`).status);
      response.end();
      return () => undefined;
    }
    for (const event of missed) relay(event);
  }
  const unsubscribe = store.subscribe(relay);
  const seconds = Number(query.get('timeoutSeconds') ?? '0') || DEFAULT_TIMEOUT_SECONDS;
  const timer = setTimeout(() => {
    if (query.get('allowWatchBookmarks') === 'true') send('BOOKMARK', bookmark(store, resource));
    response.end();
  }, seconds * 1000);
  timer.unref();
  const stop = (): void => {
    clearTimeout(timer);
    unsubscribe();
  };
  response.on('close', stop);
  return () => {
    stop();
    response.end();
  };
}

/** An object that begins or ends to match the selectors is added or deleted for this watch. */
function eventFor(event: StoreEvent, concerns: (object: KubeObject) => boolean): StoreEvent['type'] | undefined {
  const now = event.type !== 'DELETED' && concerns(event.object);
  const before = event.previous !== undefined && concerns(event.previous);
  if (now) return before ? 'MODIFIED' : 'ADDED';
  return before ? 'DELETED' : undefined;
}

function bookmark(store: Store, resource: Resource): unknown {
  return {
    kind: resource.kind,
    apiVersion: apiVersionOf(resource),
    metadata: { resourceVersion: String(store.version), creationTimestamp: null },
  };
}
