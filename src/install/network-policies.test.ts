import { describe, expect, it } from 'vitest';
import { parseSettings } from '../settings/parse-settings.ts';
import { egressPorts, namedHost, narrowPolicies, networkPolicies, packageHosts } from './network-policies.ts';

const settings = (text: string) => parseSettings(text, 'a test');

describe('the NetworkPolicies', () => {
  it.each([
    ['', [443, 6443]],
    ['alerts: { prometheusUrl: "http://prometheus.monitoring:9090" }', [443, 6443, 9090]],
    ['pushgatewayUrl: http://pushgateway.monitoring', [80, 443, 6443]],
    ['smoke: { urls: ["http://shop.example:8081/health"] }', [443, 6443, 8081]],
    [
      'packages: { baseUrl: "http://mirror.example:8080/k8s", redirectHosts: ["cdn.example:8443", "other.example"] }',
      [80, 443, 6443, 8080, 8443],
    ],
  ])('with the settings %j open the ports %j', (text, ports) => {
    expect(egressPorts(settings(text))).toEqual(ports);
  });

  it('D15 let the report reach no SSH', () => {
    const ssh = networkPolicies(settings('ssh: { port: 2222 }')).filter((policy) =>
      JSON.stringify(policy).includes('2222'),
    );
    expect(ssh.map(({ metadata }) => metadata.name)).toEqual(['k8s-upgrade-ssh']);
    expect(JSON.stringify(ssh)).not.toContain('k8s-upgrade-nightly-report');
  });

  it('let nobody connect to our pods', () => {
    const [all] = networkPolicies(settings(''));
    expect(all?.['spec']).toMatchObject({ policyTypes: ['Ingress', 'Egress'] });
    expect(all?.['spec']).not.toHaveProperty('ingress');
  });
});

describe('the NetworkPolicies with addresses', () => {
  const PLACES = {
    nodes: ['10.0.0.2', '10.0.0.1', 'fd00::1', '10.0.0.1'],
    apiServers: [
      { address: '10.0.0.1', port: 6443 },
      { address: '10.96.0.1', port: 443 },
    ],
    outside: [{ address: '192.0.2.7', port: 443 }],
  };
  const written = narrowPolicies(settings('ssh: { port: 2222 }'), PLACES);

  it('replace the wide ones: the same names, pods and directions', () => {
    const shape = (objects: typeof written) =>
      objects.map(({ kind, metadata, spec }) => {
        const { podSelector, policyTypes } = spec as Record<string, unknown>;
        return { kind, metadata, podSelector, policyTypes };
      });
    expect(shape(written)).toEqual(shape(networkPolicies(settings(''))));
  });

  it('let no packet go to an address that is not in them, but to DNS and the pods of the cluster', () => {
    const rules = written.map(({ spec }) => (spec as { egress: object[] }).egress);
    expect(rules[0]).toEqual([
      { to: [{ namespaceSelector: {} }] },
      {
        ports: [
          { protocol: 'UDP', port: 53 },
          { protocol: 'TCP', port: 53 },
        ],
      },
      {
        to: [{ ipBlock: { cidr: '10.96.0.1/32' } }, { ipBlock: { cidr: '192.0.2.7/32' } }],
        ports: [{ protocol: 'TCP', port: 443 }],
      },
      { to: [{ ipBlock: { cidr: '10.0.0.1/32' } }], ports: [{ protocol: 'TCP', port: 6443 }] },
    ]);
    expect(rules[1]).toEqual([
      {
        to: ['10.0.0.1/32', '10.0.0.2/32', 'fd00::1/128'].map((cidr) => ({ ipBlock: { cidr } })),
        ports: [{ protocol: 'TCP', port: 2222 }],
      },
    ]);
  });

  it.each([
    ['hooks.slack.com', 'hooks.slack.com', 443],
    ['mirror.example:8443', 'mirror.example', 8443],
    ['192.0.2.7:80', '192.0.2.7', 80],
    ['[fd00::5]:8443', 'fd00::5', 8443],
    ['[FD00::5]', 'FD00::5', 443],
    // Without brackets nobody knows where the address ends.
    ['fd00::5', undefined, 0],
    ['[hooks.slack.com]', undefined, 0],
    ['[fd00::5', undefined, 0],
    ['mirror.example:0', undefined, 0],
    ['mirror.example:65536', undefined, 0],
    ['https://mirror.example', undefined, 0],
    ['', undefined, 0],
  ])('take %j for the host %s', (word, host, port) => {
    expect(namedHost(word)).toEqual(host === undefined ? undefined : { host, port });
  });

  it('are for the hosts of the packages, with their ports', () => {
    const text =
      'packages: { baseUrl: "http://mirror.example:8080/k8s", redirectHosts: ["cdn.example:8443", "[fd00::9]"] }';
    expect(packageHosts(settings(text))).toEqual([
      { host: 'mirror.example', port: 8080 },
      { host: 'cdn.example', port: 8443 },
      { host: 'fd00::9', port: 80 },
    ]);
  });
});
