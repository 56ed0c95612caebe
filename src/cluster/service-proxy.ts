import { apiPath } from './kube-client.ts';

/** A Service as an address names it; only in the cluster does that name lead anywhere. */
export interface ServiceAddress {
  readonly namespace: string;
  readonly name: string;
  /** Of the API: the Service's proxy, with the path of the address behind it. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** A name of two parts may be one of the internet as well. */
  readonly certain: boolean;
}

const LABEL = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?';
const SERVICE = new RegExp(`^(${LABEL})\\.(${LABEL})(\\.svc(?:\\.${LABEL})*)?$`);

/** 'http://prometheus.monitoring.svc:9090/x' → Service monitoring/prometheus; undefined for what is no name of a Service. */
export function serviceAt(address: string): ServiceAddress | undefined {
  const url = URL.parse(address);
  const match = SERVICE.exec(url?.hostname ?? '');
  const [, name, namespace, suffix] = match ?? [];
  if (url === null || name === undefined || namespace === undefined) return undefined;
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  const service = `${url.protocol}${name}:${port}`;
  return {
    namespace,
    name,
    path: `${apiPath`/api/v1/namespaces/${namespace}/services/${service}/proxy`}${url.pathname}`,
    query: Object.fromEntries(url.searchParams),
    certain: suffix !== undefined,
  };
}
