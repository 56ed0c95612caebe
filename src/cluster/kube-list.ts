import { z } from 'zod';
import { ClusterError, unreadableAnswer } from './kube-error.ts';
import type { KubeRequest, ReadObject } from './kube-request.ts';
import { parseObject } from './parse-object.ts';

export interface Listed<T> {
  readonly items: T[];
  readonly resourceVersion: string;
}

const PAGE = '500';

/** What becomes of the objects of a list, one by one; begun anew with each list that is begun anew. */
export interface Fold<T, State> {
  readonly start: () => State;
  readonly see: (state: State, item: T) => void;
}

export async function listPages<S extends z.ZodType>(
  object: ReadObject,
  server: string,
  request: KubeRequest,
  item: S,
  signal: AbortSignal,
): Promise<Listed<z.infer<S>>> {
  const fold: Fold<z.infer<S>, z.infer<S>[]> = { start: () => [], see: (items, one) => void items.push(one) };
  const { state, resourceVersion } = await foldPages(object, server, request, item, fold, signal);
  return { items: state, resourceVersion };
}

/**
 * All objects of a list, page by page, with the resourceVersion that it was true at. Each is parsed as it comes: what is
 * held of it is what `item` and the fold make of it, and a page of them.
 */
export async function foldPages<S extends z.ZodType, State>(
  object: ReadObject,
  server: string,
  request: KubeRequest,
  item: S,
  { start, see }: Fold<z.infer<S>, State>,
  signal: AbortSignal,
): Promise<{ readonly state: State; readonly resourceVersion: string }> {
  for (let restarts = 0; ; restarts += 1) {
    try {
      const state = start();
      let next: string | undefined;
      let resourceVersion: string;
      do {
        const query = { ...request.query, limit: PAGE, continue: next };
        const { envelope, elements } = await readElements(object, server, { ...request, query }, Page, item, signal);
        const { metadata } = envelope;
        for (const one of elements) see(state, one);
        if (metadata.continue === next && next !== undefined)
          throw unreadableAnswer(
            request.doing,
            server,
            'the list goes round in a circle: a page is followed by itself',
          );
        next = metadata.continue === '' ? undefined : metadata.continue;
        ({ resourceVersion } = metadata);
      } while (next !== undefined);
      return { state, resourceVersion };
    } catch (error) {
      // 410: the continue token outlived etcd's history; only a fresh list is consistent.
      if (!(error instanceof ClusterError) || error.status !== 410 || restarts >= 3) throw error;
    }
  }
}

export interface Table<T> {
  readonly rows: readonly T[];
  /** Where the cell of a column is; undefined when there is no such column. */
  readonly column: (name: string) => number | undefined;
}

/**
 * Without pages: the API server reads each of those from etcd, and a list as a whole from its memory. Rows of which `row`
 * makes undefined are left out.
 */
export async function listTable<S extends z.ZodType>(
  object: ReadObject,
  server: string,
  request: KubeRequest,
  row: S,
  signal: AbortSignal,
): Promise<Table<Exclude<z.infer<S>, undefined>>> {
  const asked = { ...request, table: true };
  const { envelope, elements } = await readElements(object, server, asked, Columns, row, signal);
  const names = (envelope.columnDefinitions ?? []).map(({ name }) => name);
  return {
    rows: elements.filter((one): one is Exclude<z.infer<S>, undefined> => one !== undefined),
    column: (name) => {
      const at = names.indexOf(name);
      return at < 0 ? undefined : at;
    },
  };
}

const ListMeta = z.object({ continue: z.string().optional(), resourceVersion: z.string().min(1) });
const Page = z.object({ metadata: ListMeta, items: z.array(z.unknown()).nullable() });
const Columns = z.object({ metadata: ListMeta, columnDefinitions: z.array(z.object({ name: z.string() })).optional() });

/** Each element is parsed as it comes, and the list as a whole at its end: that it is another one is said first. */
async function readElements<E extends z.ZodType, S extends z.ZodType>(
  object: ReadObject,
  server: string,
  request: KubeRequest,
  envelope: E,
  item: S,
  signal: AbortSignal,
): Promise<{ envelope: z.infer<E>; elements: z.infer<S>[] }> {
  const elements: z.infer<S>[] = [];
  let problem: { readonly error: unknown } | undefined;
  const read = await object(request, envelope, signal, () => {
    elements.length = 0;
    problem = undefined;
    return (json) => {
      if (problem !== undefined) return;
      try {
        const one = parseObject(request.doing, server, json, item);
        if (one !== undefined) elements.push(one);
      } catch (error) {
        problem = { error };
      }
    };
  });
  if (problem !== undefined) throw (problem as { readonly error: unknown }).error;
  return { envelope: read, elements };
}
