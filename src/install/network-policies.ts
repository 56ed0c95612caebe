import { isIPv6 } from 'node:net';
import type { Settings } from '../settings/settings.ts';
import { type InstallObject, OBJECT_LABELS, POD_APPS } from './install-object.ts';

/** Service port and usual port of an API server: a policy may be judged before or after the Service's address is translated. */
const API_SERVER_PORTS = [443, 6443];

/**
 * Nobody connects to us; we reach DNS, the API server, what the settings name, and pods of this cluster on any port (a
 * Service's port is not its pods' port, so Prometheus and the Pushgateway cannot be named closer). SSH is for those that
 * need it: not for the report.
 */
export function networkPolicies(settings: Settings): readonly InstallObject[] {
  const tcp = (port: number) => ({ protocol: 'TCP', port });
  return [
    policy(
      'k8s-upgrade',
      settings.namespace,
      Object.values(POD_APPS),
      ['Ingress', 'Egress'],
      [
        { to: [{ namespaceSelector: {} }] },
        { ports: [{ protocol: 'UDP', port: 53 }, ...[53, ...egressPorts(settings)].map(tcp)] },
      ],
    ),
    policy(
      'k8s-upgrade-ssh',
      settings.namespace,
      [POD_APPS.phase, POD_APPS.detector],
      ['Egress'],
      [{ ports: [tcp(settings.ssh.port)] }],
    ),
  ];
}

/** An address with the port that is reached there. */
export interface Place {
  readonly address: string;
  readonly port: number;
}

export interface Places {
  /** InternalIPs. */
  readonly nodes: readonly string[];
  readonly apiServers: readonly Place[];
  /** Package hosts and what else is outside, such as Slack, as their names are resolved now. */
  readonly outside: readonly Place[];
}

/**
 * The same two policies with addresses instead of ports to anywhere. They have the same names, because policies add up:
 * a wide one beside a narrow one leaves everything as it was.
 */
export function narrowPolicies(settings: Settings, { nodes, apiServers, outside }: Places): readonly InstallObject[] {
  const dns = ['UDP', 'TCP'].map((protocol) => ({ protocol, port: 53 }));
  return [
    policy(
      'k8s-upgrade',
      settings.namespace,
      Object.values(POD_APPS),
      ['Ingress', 'Egress'],
      [{ to: [{ namespaceSelector: {} }] }, { ports: dns }, ...toPlaces([...apiServers, ...outside])],
    ),
    policy(
      'k8s-upgrade-ssh',
      settings.namespace,
      [POD_APPS.phase, POD_APPS.detector],
      ['Egress'],
      toPlaces(nodes.map((address) => ({ address, port: settings.ssh.port }))),
    ),
  ];
}

/** One rule for each port. */
function toPlaces(places: readonly Place[]): readonly unknown[] {
  const byPort = Map.groupBy(places, ({ port }) => port);
  return [...byPort]
    .toSorted(([one], [other]) => one - other)
    .map(([port, some]) => ({
      to: [...new Set(some.map(({ address }) => address))]
        .toSorted()
        .map((address) => ({ ipBlock: { cidr: `${address}/${address.includes(':') ? 128 : 32}` } })),
      ports: [{ protocol: 'TCP', port }],
    }));
}

/** A host by its name or address, before it is looked up. */
export interface NamedHost {
  readonly host: string;
  readonly port: number;
}

/** HOST or HOST:PORT, an IPv6 address in brackets as in a URL; undefined for anything else. */
export function namedHost(word: string): NamedHost | undefined {
  const [, bracketed, plain, port = '443'] = /^(?:\[(.+)\]|([A-Za-z0-9.-]+))(?::(\d{1,5}))?$/.exec(word) ?? [];
  const host = isIPv6(bracketed ?? '') ? bracketed : plain;
  return host !== undefined && Number(port) > 0 && Number(port) < 65_536 ? { host, port: Number(port) } : undefined;
}

/** Host and port of everything outside that the settings name: the package feed, and where it redirects to. */
export function packageHosts({ packages }: Settings): readonly NamedHost[] {
  const { protocol } = new URL(packages.baseUrl);
  const urls = [packages.baseUrl, ...packages.redirectHosts.map((host) => `${protocol}//${host}`)];
  return urls.map((url) => ({ host: new URL(url).hostname.replace(/^\[|\]$/g, ''), port: portOf(url) }));
}

/** TCP ports outside the cluster, DNS and SSH aside, in ascending order. */
export function egressPorts(settings: Settings): readonly number[] {
  const { packages, alerts, pushgatewayUrl, promotion, smoke } = settings;
  const own = [packages.baseUrl, alerts.prometheusUrl, pushgatewayUrl];
  const urls = [...own, promotion.prometheusUrl, promotion.url, ...smoke.urls];
  const redirects = settings.packages.redirectHosts.map(
    (host) => `${new URL(settings.packages.baseUrl).protocol}//${host}`,
  );
  const named = [...urls, ...redirects].filter((url) => url !== '').map(portOf);
  return [...new Set([...API_SERVER_PORTS, ...named])].toSorted((one, other) => one - other);
}

function portOf(url: string): number {
  const { port, protocol } = new URL(url);
  if (port !== '') return Number(port);
  return protocol === 'http:' ? 80 : 443;
}

function policy(
  name: string,
  namespace: string,
  apps: readonly string[],
  policyTypes: readonly string[],
  egress: readonly unknown[],
): InstallObject {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace, labels: OBJECT_LABELS },
    spec: {
      podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: [...apps].toSorted() }] },
      policyTypes,
      egress,
    },
  };
}
