import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { parse } from 'yaml';
import { z } from 'zod';

const Kubeconfig = z.object({
  clusters: z
    .array(z.object({ cluster: z.object({ server: z.string(), 'certificate-authority-data': z.string() }) }))
    .min(1),
  users: z
    .array(z.object({ user: z.object({ 'client-certificate-data': z.string(), 'client-key-data': z.string() }) }))
    .min(1),
});

/** Reads as the cluster's admin, over connections that stay: a kubectl for every look would take the machine's time. */
export interface ClusterApi {
  /** @throws on anything but 200: an API server that is being upgraded is away for a while. */
  get(path: string): Promise<unknown>;
  status(path: string, timeoutMs?: number): Promise<number>;
  close(): Promise<void>;
}

export async function connectToCluster(kubeconfig: string): Promise<ClusterApi> {
  const { clusters, users } = Kubeconfig.parse(parse(await readFile(kubeconfig, 'utf8')));
  const [cluster, user] = [clusters[0]?.cluster, users[0]?.user];
  if (cluster === undefined || user === undefined) throw new Error(`reading ${kubeconfig}: no cluster or no user`);
  const decode = (data: string): string => Buffer.from(data, 'base64').toString('utf8');
  const dispatcher = new Agent({
    connect: {
      ca: decode(cluster['certificate-authority-data']),
      cert: decode(user['client-certificate-data']),
      key: decode(user['client-key-data']),
    },
  });
  const ask = (path: string, timeoutMs: number) =>
    request(`${cluster.server}${path}`, { dispatcher, signal: AbortSignal.timeout(timeoutMs) });
  return {
    async get(path) {
      const { statusCode, body } = await ask(path, 10_000);
      const text = await body.text();
      if (statusCode !== 200)
        throw new Error(`asking the API server for ${path}: ${statusCode}: ${text.slice(0, 300)}`);
      return JSON.parse(text) as unknown;
    },
    async status(path, timeoutMs = 5000) {
      const { statusCode, body } = await ask(path, timeoutMs);
      await body.dump();
      return statusCode;
    },
    close: () => dispatcher.close(),
  };
}
