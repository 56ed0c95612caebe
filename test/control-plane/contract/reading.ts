import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Watch } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { serviceAt } from '../../../src/cluster/service-proxy.ts';
import { eventually, type Subject } from './subject.ts';

export function readingContract(subject: () => Subject): void {
  async function configMaps(namespace: string, labels: readonly (Record<string, string> | undefined)[]): Promise<void> {
    for (const [index, each] of labels.entries()) {
      const metadata = { name: `item-${index}`, ...(each === undefined ? {} : { labels: each }) };
      await subject().core.createNamespacedConfigMap({ namespace, body: { metadata } });
    }
  }

  test('lists come in pages, in the order of names, with what is left', async () => {
    const namespace = await subject().namespace();
    await configMaps(namespace, [undefined, undefined, undefined, undefined, undefined]);
    const names: string[] = [];
    const remaining: (number | undefined)[] = [];
    let next: string | undefined;
    do {
      const page = await subject().core.listNamespacedConfigMap({
        namespace,
        limit: 2,
        ...(next === undefined ? {} : { _continue: next }),
      });
      names.push(...page.items.map((item) => item.metadata?.name ?? ''));
      remaining.push(page.metadata?.remainingItemCount);
      next = page.metadata?._continue;
    } while (next !== undefined && next !== '');
    const own = names.filter((name) => name.startsWith('item-'));
    expect(own).toEqual(['item-0', 'item-1', 'item-2', 'item-3', 'item-4']);
    expect(remaining.at(-1)).toBeUndefined();
    expect(remaining[0]).toBe(names.length - 2);
  });

  test('a continue token that is none is 400', async () => {
    const answer = await subject().raw('GET', '/api/v1/namespaces/default/configmaps?limit=1&continue=garbage');
    expect([answer.status, answer.body.reason]).toEqual([400, 'BadRequest']);
  });

  test.each([
    ['app=a', ['item-0', 'item-1']],
    ['app==a,tier!=front', ['item-1']],
    ['app!=a', ['item-2', 'item-3']],
    ['app in (a,b)', ['item-0', 'item-1', 'item-2']],
    ['app notin (a)', ['item-2', 'item-3']],
    ['tier', ['item-0']],
    ['!app', ['item-3']],
    ['app,tier notin (front)', ['item-1', 'item-2']],
    ['app=', []],
  ])('the label selector %s selects', async (labelSelector, expected) => {
    const namespace = await subject().namespace();
    await configMaps(namespace, [{ app: 'a', tier: 'front' }, { app: 'a' }, { app: 'b' }, undefined]);
    const { items } = await subject().core.listNamespacedConfigMap({ namespace, labelSelector });
    const names = items.map((item) => item.metadata?.name ?? '').filter((name) => name.startsWith('item-'));
    expect(names).toEqual(expected);
  });

  test('a label selector that cannot be parsed is 400', async () => {
    const answer = await subject().raw('GET', '/api/v1/nodes?labelSelector=a%20b%20c');
    expect(answer.body).toMatchObject({
      code: 400,
      message: "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
    });
  });

  test('field selectors select by name, node, phase and cordon; others are refused', async () => {
    const namespace = await subject().namespace();
    const nodeName = await subject().node();
    const create = (name: string, spec: object): Promise<unknown> =>
      subject().core.createNamespacedPod({
        namespace,
        body: { metadata: { name }, spec: { containers: [{ name: 'main', image: 'x' }], ...spec } },
      });
    await create('bound', { nodeName });
    await create('unbound', { nodeSelector: { 'no.such': 'node' } });
    await subject().run(namespace, 'bound');
    const names = async (fieldSelector: string): Promise<string[]> => {
      const { items } = await subject().core.listNamespacedPod({ namespace, fieldSelector });
      return items.map((item) => item.metadata?.name ?? '');
    };
    expect(await names(`spec.nodeName=${nodeName}`)).toEqual(['bound']);
    expect(await names('spec.nodeName=')).toEqual(['unbound']);
    expect(await names('status.phase!=Running')).toEqual(['unbound']);
    expect(await names(`metadata.name=bound,metadata.namespace=${namespace}`)).toEqual(['bound']);
    const everywhere = await subject().core.listPodForAllNamespaces({ fieldSelector: `spec.nodeName=${nodeName}` });
    expect(everywhere.items).toHaveLength(1);
    await subject().raw(
      'PATCH',
      `/api/v1/nodes/${nodeName}`,
      { spec: { unschedulable: true } },
      { contentType: 'application/merge-patch+json' },
    );
    const cordoned = await subject().core.listNode({ fieldSelector: 'spec.unschedulable=true' });
    expect(cordoned.items.map((item) => item.metadata?.name)).toContain(nodeName);
    const refused = await subject().raw('GET', '/api/v1/nodes?fieldSelector=spec.foo=a');
    expect(refused.body).toMatchObject({ code: 400, message: 'field label not supported: spec.foo' });
  });

  test('a list says its kind, its group and when it was true, an empty one too, and one of no namespace', async () => {
    for (const [path, apiVersion, kind] of [
      ['/api/v1/namespaces/no-such/pods', 'v1', 'PodList'],
      ['/api/v1/pods?labelSelector=no=such', 'v1', 'PodList'],
      ['/api/v1/nodes?limit=500&labelSelector=no=such', 'v1', 'NodeList'],
      ['/apis/apps/v1/daemonsets?limit=500', 'apps/v1', 'DaemonSetList'],
      ['/apis/batch/v1/namespaces/no-such/jobs?limit=500', 'batch/v1', 'JobList'],
      ['/apis/policy/v1/poddisruptionbudgets?limit=500', 'policy/v1', 'PodDisruptionBudgetList'],
    ] as const) {
      const { body } = await subject().raw('GET', path);
      const metadata = { resourceVersion: expect.stringMatching(/^[1-9]\d*$/) };
      expect(body).toEqual({ kind, apiVersion, metadata, items: [] });
    }
  });

  test('a list says its kind once and its items do not', async () => {
    const answer = await subject().raw('GET', '/api/v1/namespaces?limit=1');
    expect(answer.body).toMatchObject({
      kind: 'NamespaceList',
      apiVersion: 'v1',
      metadata: { resourceVersion: expect.stringMatching(/^\d+$/) },
    });
    expect(answer.body.items[0].kind).toBeUndefined();
  });

  test('a watch from a resourceVersion tells every change, and leaving a selector is a deletion', async () => {
    const namespace = await subject().namespace();
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const { metadata } = await subject().core.listNamespacedConfigMap({ namespace });
    await configMaps(namespace, [{ app: 'a' }]);
    const seen: string[] = [];
    const watch = new Watch(subject().config);
    const controller = await watch.watch(
      path,
      { resourceVersion: metadata?.resourceVersion, labelSelector: 'app=a' },
      (type: string, object: { metadata: { name: string }; data?: unknown }) =>
        seen.push(`${type} ${object.metadata.name}`),
      () => undefined,
    );
    const patch = (body: unknown): Promise<unknown> =>
      subject().raw('PATCH', `${path}/item-0`, body, { contentType: 'application/merge-patch+json' });
    await eventually(async () => expect(seen).toEqual(['ADDED item-0']));
    await patch({ data: { a: 'b' } });
    await patch({ metadata: { labels: { app: 'b' } } });
    await patch({ metadata: { labels: { app: 'a' } } });
    await subject().core.deleteNamespacedConfigMap({ namespace, name: 'item-0' });
    await eventually(async () =>
      expect(seen).toEqual(['ADDED item-0', 'MODIFIED item-0', 'DELETED item-0', 'ADDED item-0', 'DELETED item-0']),
    );
    controller.abort();
  });

  test('a watch without a resourceVersion begins with what is there, and ends after timeoutSeconds', async () => {
    const namespace = await subject().namespace();
    await configMaps(namespace, [undefined]);
    const started = Date.now();
    const answer = await subject().raw(
      'GET',
      `/api/v1/namespaces/${namespace}/configmaps?watch=true&timeoutSeconds=1&fieldSelector=metadata.name=item-0`,
    );
    const events = answer.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; object: { kind: string } });
    expect(events.map(({ type, object }) => [type, object.kind])).toEqual([['ADDED', 'ConfigMap']]);
    expect(Date.now() - started).toBeGreaterThan(900);
  });

  // An endpoint may not be a loopback address.
  const host = Object.values(networkInterfaces())
    .flatMap((some) => some ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

  test.skipIf(host === undefined)('a Service is asked through its proxy, as a person outside asks it', async () => {
    const namespace = await subject().namespace();
    const behind = createServer(({ url }, response) => {
      response.writeHead(url?.startsWith('/missing') === true ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ asked: url }));
    });
    await new Promise<void>((resolve) => behind.listen(0, '0.0.0.0', resolve));
    const { port } = behind.address() as AddressInfo;
    try {
      const metadata = { name: 'behind', namespace };
      const ports = [{ port: 9090, targetPort: port }];
      await subject().raw('POST', `/api/v1/namespaces/${namespace}/services`, { metadata, spec: { ports } });
      const proxy = serviceAt(`http://behind.${namespace}.svc:9090/api/v1/query`)?.path ?? '';
      const empty = await subject().raw('GET', proxy);
      expect([empty.status, empty.body.kind]).toEqual([404, 'Status']);
      // The real one passes on nothing but what a pod of the namespace says is its address.
      const pod = { metadata, spec: { containers: [{ name: 'main', image: 'x' }] } };
      await subject().raw('POST', `/api/v1/namespaces/${namespace}/pods`, pod);
      await subject().patchStatus(namespace, 'behind', { podIP: host, podIPs: [{ ip: host }] });
      const targetRef = { kind: 'Pod', name: 'behind', namespace };
      const subsets = [{ addresses: [{ ip: host, targetRef }], ports: [{ port }] }];
      await subject().raw('POST', `/api/v1/namespaces/${namespace}/endpoints`, { metadata, subsets });
      await eventually(async () => {
        const answer = await subject().raw('GET', `${proxy}?query=up%7Ba%3D%22b%22%7D`);
        expect([answer.status, answer.body]).toEqual([200, { asked: '/api/v1/query?query=up%7Ba%3D%22b%22%7D' }]);
      });
      // The Service's own no is no Status.
      const missing = await subject().raw('GET', proxy.replace('/api/v1/query', '/missing'));
      expect([missing.status, missing.body.kind]).toEqual([404, undefined]);
      const forbidden = await subject().raw('GET', proxy, undefined, { token: subject().server.readerToken });
      expect([forbidden.status, forbidden.body.reason]).toEqual([403, 'Forbidden']);
      const none = await subject().raw('GET', proxy.replace('behind', 'nobody'));
      expect([none.status, none.body.kind, none.body.reason]).toEqual([404, 'Status', 'NotFound']);
    } finally {
      behind.close();
    }
  });
}
