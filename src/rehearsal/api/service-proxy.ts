import { z } from 'zod';
import type { Exchange } from './exchange.ts';
import { endpoints, services } from './resources.ts';
import { StatusError } from './status-error.ts';
import type { Store } from './store.ts';

export interface ProxiedService {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  /** With its query. */
  readonly path: string;
}

const PATH = /^\/api\/v1\/namespaces\/([^/]+)\/services\/([^/]+)\/proxy(\/.*)?$/;

/** `/api/v1/namespaces/monitoring/services/http:prometheus:9090/proxy/…`; undefined for another path. */
export function proxiedService({ pathname, search }: URL): ProxiedService | undefined {
  const [, namespace, service = '', path = '/'] = PATH.exec(pathname) ?? [];
  const [, name, port] = /^(?:https?:)?([^:]+)(?::(\d+))?$/.exec(decodeURIComponent(service)) ?? [];
  if (namespace === undefined || name === undefined) return undefined;
  return { namespace, name, port: Number(port ?? 80), path: `${path}${search}` };
}

const Ports = z.object({
  spec: z.object({ ports: z.array(z.object({ name: z.string().optional(), port: z.number() })) }),
});
const Subsets = z.object({
  subsets: z.array(
    z.object({
      addresses: z.array(z.object({ ip: z.string() })),
      ports: z.array(z.object({ name: z.string().optional(), port: z.number() })),
    }),
  ),
});

/** GET to the first endpoint behind the Service's port, as the real one does over HTTP. */
export async function serveProxy(store: Store, exchange: Exchange, proxied: ProxiedService): Promise<void> {
  const { namespace, name, port, path } = proxied;
  const { ports } = Ports.parse(store.read(services, name, namespace)).spec;
  const wanted = ports.find((one) => one.port === port);
  const unavailable = (why: string) => new StatusError(503, 'ServiceUnavailable', why);
  if (wanted === undefined) throw unavailable(`no service port ${port} found for service "${name}"`);
  const [subset] = Subsets.parse(store.read(endpoints, name, namespace)).subsets;
  const address = subset?.addresses[0]?.ip;
  const to = subset?.ports.find((one) => one.name === wanted.name)?.port;
  if (address === undefined || to === undefined) throw unavailable(`no endpoints available for service "${name}"`);
  let answer: Response;
  try {
    answer = await fetch(`http://${address}:${to}${path}`, { redirect: 'manual' });
  } catch (error) {
    throw unavailable(`error trying to reach service: ${error instanceof Error ? error.message : String(error)}`);
  }
  const body = Buffer.from(await answer.arrayBuffer());
  exchange.record.status = answer.status;
  exchange.response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
  exchange.response.end(body);
}
