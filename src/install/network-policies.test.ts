import { describe, expect, it } from 'vitest';
import { parseSettings } from '../settings/parse-settings.ts';
import { egressPorts, networkPolicies } from './network-policies.ts';

const settings = (text: string) => parseSettings(text, 'a test');

describe('the NetworkPolicies', () => {
  it.each([
    ['', [443, 6443]],
    ['alerts: { prometheusUrl: "http://prometheus.monitoring:9090" }', [443, 6443, 9090]],
    ['pushgatewayUrl: http://pushgateway.monitoring', [80, 443, 6443]],
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
