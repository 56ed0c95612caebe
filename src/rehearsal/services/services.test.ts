import { Resolver } from 'node:dns/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { startDns } from './dns.ts';
import { startPrometheus } from './prometheus.ts';
import { startPushgateway } from './pushgateway.ts';
import { startSlack } from './slack.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const service of open.splice(0)) await service.close();
});
function opened<T extends { close(): Promise<void> }>(service: T): T {
  open.push(service);
  return service;
}

describe('the Pushgateway of the rehearsal', () => {
  it('replaces a group on PUT, merges on POST, and deletes only the exact group', async () => {
    const gateway = opened(await startPushgateway());
    const send = async (method: string, path: string, body?: string): Promise<number> =>
      (await fetch(`${gateway.url}/metrics/${path}`, { method, ...(body === undefined ? {} : { body }) })).status;
    const text = async (): Promise<string> => (await fetch(`${gateway.url}/metrics`)).text();
    expect(await send('PUT', 'job/x', '# TYPE a gauge\na 1\nb 2\n')).toBe(200);
    expect(await send('POST', 'job/x', 'b 3\n')).toBe(200);
    expect([gateway.value('x', 'a'), gateway.value('x', 'b')]).toEqual([1, 3]);
    expect(await send('PUT', 'job/x', 'c 4\n')).toBe(200);
    expect([gateway.value('x', 'a'), gateway.value('x', 'c')]).toEqual([undefined, 4]);
    expect(await send('POST', 'job/x/node@base64/YS9i', 'c 5\n')).toBe(200);
    expect(await text()).toContain('c{instance="",job="x",node="a/b"} 5\n');
    expect(await send('DELETE', 'job/x')).toBe(202);
    expect(await text()).not.toContain('c{instance="",job="x"}');
    expect(await text()).toContain('push_time_seconds{instance="",job="x",node="a/b"}');
    expect(gateway.history.map(({ method }) => method)).toEqual(['PUT', 'POST', 'PUT', 'POST', 'DELETE']);
  });

  it.each([
    ['a text without its last newline', 'a 1'],
    ['a timestamp', 'a 1 1700000000\n'],
    ['something else', '{"a": 1}\n'],
    ['a value that is no number', 'a one\n'],
    ['another type than elsewhere', '# TYPE known counter\nknown 1\n'],
  ])('refuses %s with 400 and keeps what it had', async (_name, body) => {
    const gateway = opened(await startPushgateway());
    await fetch(`${gateway.url}/metrics/job/other`, { method: 'POST', body: '# TYPE known gauge\nknown 7\n' });
    const answer = await fetch(`${gateway.url}/metrics/job/x`, { method: 'POST', body });
    expect([answer.status, gateway.value('other', 'known')]).toEqual([400, 7]);
  });
});

describe('the Prometheus of the rehearsal', () => {
  it('answers a query by GET and by POST, and refuses a broken one', async () => {
    const prometheus = opened(await startPrometheus());
    prometheus.setAlert({ name: 'A', severity: 'critical' });
    const post = await fetch(`${prometheus.url}/api/v1/query`, {
      method: 'POST',
      body: new URLSearchParams({ query: 'ALERTS{alertstate="firing"}' }),
    });
    expect(await post.json()).toMatchObject({
      status: 'success',
      data: { result: [{ metric: { alertname: 'A', severity: 'critical' } }] },
    });
    expect((await fetch(`${prometheus.url}/api/v1/query?query=sum(`)).status).toBe(400);
    prometheus.clearAlert('A');
    expect(await (await fetch(`${prometheus.url}/api/v1/alerts`)).json()).toEqual({
      status: 'success',
      data: { alerts: [] },
    });
    expect((await fetch(`${prometheus.url}/-/healthy`)).status).toBe(200);
  });
});

describe('the Slack of the rehearsal', () => {
  it.each([
    ['/services/other', '{"text":"a"}', 404, 'no_service'],
    ['', 'text=a', 400, 'invalid_payload'],
    ['', '{"text":""}', 400, 'no_text'],
    ['', '{"text":"a"}', 200, 'ok'],
  ])('answers %j with %j as Slack does', async (path, body, status, text) => {
    const slack = opened(await startSlack());
    const url = path === '' ? slack.webhookUrl : new URL(path, slack.webhookUrl);
    const answer = await fetch(url, { method: 'POST', body });
    expect([answer.status, await answer.text()]).toEqual([status, text]);
  });
});

describe('the DNS of the rehearsal', () => {
  it('knows the API server, and says so of what it does not know', async () => {
    const dns = opened(await startDns({ records: { 'web.default.svc.cluster.local': '10.96.0.9' } }));
    const resolver = new Resolver({ timeout: 200, tries: 1 });
    resolver.setServers([`${dns.address}:${dns.port}`]);
    expect(await resolver.resolve4('kubernetes.default.svc.cluster.local')).toEqual(['10.96.0.1']);
    expect(await resolver.resolve4('web.default.svc.cluster.local')).toEqual(['10.96.0.9']);
    await expect(resolver.resolve4('nobody.example')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(resolver.resolve6('kubernetes.default.svc.cluster.local')).rejects.toMatchObject({ code: 'ENODATA' });
  });

  it.each([
    ['refuse', 'EREFUSED'],
    ['hang', 'ETIMEOUT'],
    ['empty', 'ENODATA'],
    ['status', 'ESERVFAIL'],
  ] as const)('can be made to fail: %s', async (kind, code) => {
    const dns = opened(await startDns());
    dns.faults.inject(kind === 'status' ? { kind, status: 500 } : { kind });
    const resolver = new Resolver({ timeout: 200, tries: 1 });
    resolver.setServers([`${dns.address}:${dns.port}`]);
    await expect(resolver.resolve4('kubernetes.default.svc.cluster.local')).rejects.toMatchObject({ code });
  });
});
