import { setTimeout as sleep } from 'node:timers/promises';
import { type ClusterApi, connectToCluster } from './cluster-api.ts';

export interface EndpointWatch {
  stop(): Promise<{
    readonly asked: number;
    readonly retried: number;
    readonly failed: readonly string[];
    /** When no list was to be had; readiness may be said from memory. */
    readonly away: readonly Away[];
  }>;
}

export interface Answer {
  readonly askedAt: number;
  readonly answeredAt: number;
  readonly good: boolean;
}

export interface Away {
  readonly since: number;
  readonly until: number;
}

/** From each question without a good answer to the next good answer. */
export function awayIn(answers: readonly Answer[]): readonly Away[] {
  const away: Away[] = [];
  let since: number | undefined;
  for (const { askedAt, answeredAt, good } of answers.toSorted((one, other) => one.askedAt - other.askedAt)) {
    if (!good) since ??= Math.max(askedAt, away.at(-1)?.until ?? 0);
    else if (since !== undefined) {
      away.push({ since, until: Math.max(since, answeredAt) });
      since = undefined;
    }
  }
  return away;
}

const PER_SECOND = 5;
const list = '/api/v1/pods?limit=50';
const paths = ['/readyz', list];

const RETRY_MS = 1000;

/**
 * A client of the cluster: readiness and a list in turn, five times a second. What has no good answer is asked once more,
 * a second later, over a new connection; a second bad answer is a failure.
 */
export async function watchEndpoint(kubeconfig: string): Promise<EndpointWatch> {
  const api = await connectToCluster(kubeconfig);
  const failed: string[] = [];
  const lists: Answer[] = [];
  let [going, asked, retried] = [true, 0, 0];
  const once = async (path: string, by: ClusterApi): Promise<string> => {
    try {
      const status = await by.status(path);
      return status === 200 ? '' : String(status);
    } catch (error) {
      return String(error);
    } finally {
      if (by !== api) await by.close();
    }
  };
  const ask = async (path: string): Promise<void> => {
    asked += 1;
    const askedAt = Date.now();
    const first = await once(path, api);
    if (path === list) lists.push({ askedAt, answeredAt: Date.now(), good: first === '' });
    if (first === '') return;
    retried += 1;
    await sleep(RETRY_MS);
    const second = await once(path, await connectToCluster(kubeconfig));
    if (second !== '') failed.push(`${new Date().toISOString()} ${path}: ${first}, then ${second}`);
  };
  const pending = new Set<Promise<void>>();
  const loop = (async () => {
    for (let turn = 0; going; turn++) {
      const question = ask(paths[turn % paths.length] ?? '/readyz');
      pending.add(question);
      void question.finally(() => pending.delete(question));
      await sleep(1000 / PER_SECOND);
    }
    await Promise.all(pending);
  })();
  return {
    async stop() {
      going = false;
      await loop;
      await api.close();
      return { asked, retried, failed, away: awayIn(lists) };
    },
  };
}
