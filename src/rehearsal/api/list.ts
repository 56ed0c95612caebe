import type { KubeObject } from './kinds.ts';
import type { Resource } from './resource.ts';
import { apiVersionOf } from './resources.ts';
import { type ObjectTest, parseFieldSelector, parseLabelSelector } from './selector.ts';
import { badRequest, expired } from './status-error.ts';
import type { Store } from './store.ts';

export interface KubeList {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly KubeObject[];
}

/** Both selectors of a request as one test. */
export function selection(resource: Resource, query: URLSearchParams): ObjectTest {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '', resource.kind);
  return (object) => labels(object.metadata.labels ?? {}) && fields(object);
}

/** Pages of a list. A page begins after the last key of the one before; versions older than `oldestVersion` have expired. */
export function listObjects(
  store: Store,
  resource: Resource,
  namespace: string | undefined,
  query: URLSearchParams,
): KubeList {
  const test = selection(resource, query);
  const selected = query.has('labelSelector') || query.has('fieldSelector');
  const all = store.list(resource, namespace === undefined ? {} : { namespace });
  const token = parseContinue(query.get('continue'));
  if (token !== undefined && store.eventsAfter(token.version) === undefined) throw expired(TOO_OLD);
  const version = token?.version ?? store.version;
  const rest = token === undefined ? all : all.filter((object) => keyOf(object) > token.after);
  const limit = Number(query.get('limit') ?? '0');
  const items: KubeObject[] = [];
  let seen = 0;
  for (const object of rest) {
    if (limit > 0 && items.length === limit) break;
    seen += 1;
    if (test(object)) items.push(object);
  }
  const remaining = rest.length - seen;
  const last = rest[seen - 1];
  const more =
    remaining === 0 || last === undefined
      ? {}
      : { continue: continueToken(version, keyOf(last)), ...(selected ? {} : { remainingItemCount: remaining }) };
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: { resourceVersion: String(version), ...more },
    items: items.map(withoutType),
  };
}

const TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue ' +
  'parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided ' +
  'token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was ' +
  'returned and now may show up in the list.';

/** Items of a list carry no kind: the list's own says it. */
function withoutType(whole: KubeObject): KubeObject {
  const { kind: _, apiVersion: __, ...object } = whole;
  // The client knows the type of the items from the list.
  return object as KubeObject;
}

function keyOf({ metadata }: KubeObject): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

function continueToken(version: number, after: string): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: version, start: after })).toString('base64url');
}

function parseContinue(text: string | null): { version: number; after: string } | undefined {
  if (text === null || text === '') return undefined;
  const match = /"rv":(\d+),"start":"(.*)"}$/.exec(Buffer.from(text, 'base64url').toString());
  if (match === null) throw badRequest('continue key is not valid: invalid character in token');
  return { version: Number(match[1]), after: match[2] ?? '' };
}
