import { expect, it } from 'vitest';
import { serviceAt } from './service-proxy.ts';

it.each([
  [
    'http://prometheus-server.monitoring.svc',
    'monitoring',
    'prometheus-server',
    '/api/v1/namespaces/monitoring/services/http%3Aprometheus-server%3A80/proxy/',
    true,
  ],
  [
    'https://p.m.svc.cluster.local:9090/prefix/api?query=up&type=alert',
    'm',
    'p',
    '/api/v1/namespaces/m/services/https%3Ap%3A9090/proxy/prefix/api',
    true,
  ],
  [
    'http://prometheus.monitoring:9090',
    'monitoring',
    'prometheus',
    '/api/v1/namespaces/monitoring/services/http%3Aprometheus%3A9090/proxy/',
    false,
  ],
  ['https://p.m.svc', 'm', 'p', '/api/v1/namespaces/m/services/https%3Ap%3A443/proxy/', true],
])('%s is a Service', (address, namespace, name, path, certain) => {
  expect(serviceAt(address)).toMatchObject({ namespace, name, path, certain });
});

it('keeps the query', () => {
  expect(serviceAt('http://p.m.svc/api?query=up%7Ba%3D%22b%22%7D&type=alert')?.query).toEqual({
    query: 'up{a="b"}',
    type: 'alert',
  });
});

it.each([
  'http://127.0.0.1:9090',
  'http://localhost:9090',
  'https://prometheus.example.com',
  'http://[::1]:9090',
  'nothing',
  '',
])('%s is none', (address) => {
  expect(serviceAt(address)).toBeUndefined();
});
