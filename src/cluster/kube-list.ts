import { z } from 'zod';
import { ClusterError, unreadableAnswer } from './kube-error.ts';
import type { KubeRequest, ReadObject } from './kube-request.ts';
import { parseObject } from './parse-object.ts';

export interface Listed<T> {
  readonly items: T[];
  readonly resourceVersion: string;
}

const PAGE = '500';

/**
 * All objects of a list, page by page, with the resourceVersion that it was true at. Each is parsed as it comes: what is
 * held of it is what `item` makes of it.
 */
export async function listPages<S extends z.ZodType>(
  object: ReadObject,
  server: string,
  request: KubeRequest,
  item: S,
  signal: AbortSignal,
): Promise<Listed<z.infer<S>>> {
  for (let restarts = 0; ; restarts += 1) {
    try {
      const items: z.infer<S>[] = [];
      let next: string | undefined;
      let resourceVersion: string;
      do {
        const query = { ...request.query, limit: PAGE, continue: next };
        const { envelope, elements } = await readElements(object, server, { ...request, query }, Page, item, signal);
        const { metadata } = envelope;
        for (const one of elements) items.push(one);
        if (metadata.continue === next && next !== undefined)
          throw unreadableAnswer(
            request.doing,
            server,
            'the list goes round in a circle: a page is followed by itself',
          );
        next = metadata.continue === '' ? undefined : metadata.continue;
        ({ resourceVersion } = metadata);
      } while (next !== undefined);
      return { items, resourceVersion };
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

/** Without pages: the API server reads each of those from etcd, and a list as a whole from its memory. */
export async function listTable<S extends z.ZodType>(
  object: ReadObject,
  server: string,
  request: KubeRequest,
  row: S,
  signal: AbortSignal,
): Promise<Table<z.infer<S>>> {
  const asked = { ...request, table: true, query: { ...request.query, includeObject: 'Metadata' } };
  const { envelope, elements } = await readElements(object, server, asked, Columns, row, signal);
  const names = (envelope.columnDefinitions ?? []).map(({ name }) => name);
  return {
    rows: elements,
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
        elements.push(parseObject(request.doing, server, json, item));
      } catch (error) {
        problem = { error };
      }
    };
  });
  if (problem !== undefined) throw (problem as { readonly error: unknown }).error;
  return { envelope: read, elements };
}
