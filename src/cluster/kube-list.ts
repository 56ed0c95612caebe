import { z } from 'zod';
import { ClusterError, unreadableAnswer } from './kube-error.ts';
import type { KubeRequest, ReadObject } from './kube-request.ts';

export interface Listed<T> {
  readonly items: T[];
  readonly resourceVersion: string;
}

const PAGE = '500';

/** All objects of a list, page by page, with the resourceVersion that it was true at. */
export async function listPages<S extends z.ZodType>(
  object: ReadObject,
  server: string,
  request: KubeRequest,
  item: S,
  signal: AbortSignal,
): Promise<Listed<z.infer<S>>> {
  const page = pageOf(item);
  for (let restarts = 0; ; restarts += 1) {
    try {
      const items: z.infer<S>[] = [];
      let next: string | undefined;
      let resourceVersion: string;
      do {
        const query = { ...request.query, limit: PAGE, continue: next };
        const { metadata, items: found } = await object({ ...request, query }, page, signal);
        for (const one of found ?? []) items.push(one);
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

function newPage<S extends z.ZodType>(item: S) {
  return z.object({
    metadata: z.object({ continue: z.string().optional(), resourceVersion: z.string().min(1) }),
    items: z.array(item).nullable(),
  });
}

/** zod compiles a schema when it is first used: once for each kind of object, not for each list. */
const pages = new WeakMap<z.ZodType, ReturnType<typeof newPage>>();

function pageOf<S extends z.ZodType>(item: S): ReturnType<typeof newPage<S>> {
  const page = pages.get(item) ?? newPage(item);
  pages.set(item, page);
  return page as ReturnType<typeof newPage<S>>;
}
