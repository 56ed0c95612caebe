import { setTimeout as sleep } from 'node:timers/promises';
import { type ClusterApi, connectToCluster } from './cluster-api.ts';

export interface EndpointWatch {
  stop(): Promise<{ readonly asked: number; readonly retried: number; readonly failed: readonly string[] }>;
}

const PER_SECOND = 5;
const paths = ['/readyz', '/api/v1/pods?limit=50'];

const RETRY_MS = 1000;

/**
 * A client of the cluster: readiness and a list in turn, five times a second. What has no good answer is asked once more,
 * a second later, over a new connection; a second bad answer is a failure.
 */
export async function watchEndpoint(kubeconfig: string): Promise<EndpointWatch> {
  const api = await connectToCluster(kubeconfig);
  const failed: string[] = [];
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
    const first = await once(path, api);
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
      return { asked, retried, failed };
    },
  };
}
