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

/** Where the cell of a column is; undefined when there is no such column. */
export type ColumnOf = (name: string) => number | undefined;

/** As `Fold`, for the rows of a table. */
export interface TableFold<T, State> {
  readonly start: () => State;
  readonly see: (state: State, row: T, column: ColumnOf) => void;
}

/**
 * Without pages: the API server reads each of those from etcd, and a list as a whole from its memory. Each row is seen as
 * it comes, after the columns: what is held is what the fold makes of it.
 */
export async function foldTable<S extends z.ZodType, State>(
  object: ReadObject,
  server: string,
  request: KubeRequest,
  row: S,
  { start, see }: TableFold<z.infer<S>, State>,
  signal: AbortSignal,
): Promise<State> {
  let state = start();
  let column: ColumnOf | undefined;
  const begin = (): void => {
    state = start();
    column = undefined;
  };
  await eachElement(
    object,
    server,
    { ...request, table: true },
    Columns,
    row,
    {
      begin,
      each: (one, before) => {
        column ??= columnsIn(before());
        see(state, one, column);
      },
    },
    signal,
  );
  return state;
}

/** Of what came before the rows; none of an answer that is no table. */
function columnsIn(before: string): ColumnOf {
  const names = (Columns.safeParse(jsonOf(`${before}]}`)).data?.columnDefinitions ?? []).map(({ name }) => name);
  return (name) => {
    const at = names.indexOf(name);
    return at < 0 ? undefined : at;
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const ListMeta = z.object({ continue: z.string().optional(), resourceVersion: z.string().min(1) });
const Page = z.object({ metadata: ListMeta, items: z.array(z.unknown()).nullable() });
const Columns = z.object({ metadata: ListMeta, columnDefinitions: z.array(z.object({ name: z.string() })).optional() });

async function readElements<E extends z.ZodType, S extends z.ZodType>(
  object: ReadObject,
  server: string,
  request: KubeRequest,
  envelope: E,
  item: S,
  signal: AbortSignal,
): Promise<{ envelope: z.infer<E>; elements: z.infer<S>[] }> {
  const elements: z.infer<S>[] = [];
  const begin = (): void => void (elements.length = 0);
  const each = (one: z.infer<S>): void => void elements.push(one);
  return { envelope: await eachElement(object, server, request, envelope, item, { begin, each }, signal), elements };
}

interface Eye<T> {
  /** Called before each try. */
  readonly begin: () => void;
  readonly each: (element: T, before: () => string) => void;
}

/** Each element is parsed as it comes, and the list as a whole at its end: that it is another one is said first. */
async function eachElement<E extends z.ZodType, S extends z.ZodType>(
  object: ReadObject,
  server: string,
  request: KubeRequest,
  envelope: E,
  item: S,
  { begin, each }: Eye<z.infer<S>>,
  signal: AbortSignal,
): Promise<z.infer<E>> {
  let problem: { readonly error: unknown } | undefined;
  const read = await object(request, envelope, signal, () => {
    begin();
    problem = undefined;
    return (json, before) => {
      if (problem !== undefined) return;
      try {
        each(parseObject(request.doing, server, json, item), before);
      } catch (error) {
        problem = { error };
      }
    };
  });
  if (problem !== undefined) throw (problem as { readonly error: unknown }).error;
  return read;
}
