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

/** TCP ports outside the cluster, DNS and SSH aside, in ascending order. */
export function egressPorts(settings: Settings): readonly number[] {
  const urls = [settings.packages.baseUrl, settings.alerts.prometheusUrl, settings.pushgatewayUrl];
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
