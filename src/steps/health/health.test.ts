import { createSocket } from 'node:dgram';
import { describe, expect, it } from 'vitest';
import { controlPlane, OLD, TARGET, worker } from '../../../test/support/clusters.ts';
import { exampleWorld, type WorldOptions } from '../../../test/support/example-deps.ts';
import { contextIn, errorOf, refusalOf } from '../../../test/support/example-step.ts';
import { fastClock } from '../../../test/support/virtual-clock.ts';
import type { PodFact } from '../../cluster/cluster.ts';
import { examplePod } from '../../cluster/example-pod.ts';
import { NightliftError } from '../../errors.ts';
import { allOnTarget } from './all-on-target.ts';
import { apiHealth } from './api-health.ts';
import { clusterDns } from './cluster-dns.ts';
import { nodesReady } from './nodes-ready.ts';
import { daemonSets, podReadyRatio, systemPods } from './pods-ready.ts';

const waits = { readySeconds: 20, alertSeconds: 30 };
const world = (options: WorldOptions) => exampleWorld({ settings: { waits }, ...options });

describe('all-on-target', () => {
  it.each([
    ['shows the target', worker('w', TARGET)],
    ['is beyond it', worker('w', '1.37.1')],
    ['is a control plane of the target', controlPlane('cp', TARGET)],
  ])('is content with a node that %s', async (_title, node) => {
    expect(await errorOf(allOnTarget.run(contextIn(world({ nodes: [node] }))))).toBeUndefined();
  });

  it.each([
    ['is behind', worker('w', OLD)],
    ['has a cordon of ours', worker('w', TARGET, { cordonedBy: TARGET })],
    ['is not finished', worker('w', TARGET, { unfinished: TARGET })],
    ['has an old API server', controlPlane('w', TARGET, { apiServer: OLD })],
  ])('fails with the name of a node that %s', async (_title, node) => {
    const nodes = [worker('ok', TARGET), node, worker('also', OLD)];
    expect(await errorOf(allOnTarget.run(contextIn(world({ nodes }))))).toMatchObject({
      kind: 'phase',
      message: `checking that every node is on 1.36.4: w has ${node.kubelet}, also has 1.36.3`,
      remedy: expect.stringContaining('next night') as string,
    });
  });
});

describe('api-health', () => {
  it('asks for both, and waits for each', async () => {
    const asked: string[] = [];
    const one = world({
      cluster: {
        health: async (path) => {
          asked.push(path);
          return { ok: asked.length !== 1 && asked.length !== 3, detail: '' };
        },
      },
    });
    await apiHealth.run(contextIn(one));
    expect(asked).toEqual(['/readyz', '/readyz', '/livez', '/livez']);
  });

  it.each(['/readyz', '/livez'])('fails with what the API server says: %s', async (bad) => {
    const one = world({ cluster: { health: async (path) => ({ ok: path !== bad, detail: 'etcd failed' }) } });
    expect(await errorOf(apiHealth.run(contextIn(one)))).toMatchObject({
      kind: 'timeout',
      message: `waiting 20 s for the API server's ${bad}: etcd failed`,
      remedy: `kubectl get --raw '${bad}?verbose'`,
    });
  });
});

describe('nodes-ready', () => {
  const down = { ready: 'no' } as const;

  it.each([
    ['all are Ready', [worker('worker-1'), worker('worker-2')]],
    ['its own node is down, with a cordon of ours', [worker('worker-1', OLD, { ...down, cordonedBy: TARGET })]],
    ['its own node is down, and its step was begun', [worker('worker-1', OLD, { ...down, unfinished: TARGET })]],
  ])('goes on at once when %s', async (_title, nodes) => {
    const one = world({ nodes });
    await nodesReady.run(contextIn(one));
    expect(one.passed()).toBe(0);
  });

  it.each([
    ['its own node is down before the step was begun', [worker('worker-1', OLD, down)], 'worker-1'],
    [
      'others are down, whatever was begun on them',
      [
        worker('worker-1'),
        worker('worker-2', OLD, { ready: 'unknown', cordonedBy: TARGET }),
        worker('worker-3', OLD, { ...down, unfinished: TARGET }),
      ],
      'worker-2, worker-3',
    ],
  ])('waits and refuses when %s', async (_title, nodes, names) => {
    const one = world({ nodes });
    expect(await refusalOf(nodesReady.run(contextIn(one)))).toEqual([
      {
        check: 'nodes-ready',
        reason: 'NodeNotReady',
        class: 'actionable',
        severity: 'block',
        message: `waiting 30 s for all nodes to be Ready: not Ready: ${names}`,
        remedy: expect.stringContaining('Bring the node back') as string,
      },
    ]);
    expect(one.passed()).toBe(30);
  });

  it('goes on as soon as the node is back', async () => {
    const one = world({ nodes: [worker('worker-2', OLD, down)] });
    const running = nodesReady.run(contextIn(one));
    one.nodes = [worker('worker-2')];
    await running;
    expect(one.passed()).toBeLessThanOrEqual(5);
  });

  it('has no node of its own in a step for the whole cluster', async () => {
    const one = world({ nodes: [worker('worker-1', OLD, { ...down, unfinished: TARGET })] });
    expect(await refusalOf(nodesReady.run(contextIn(one, { phase: 'postflight' })))).toHaveLength(1);
  });

  it('is no refusal when the API server says no', async () => {
    const forbidden = new NightliftError('cluster', 'reading the nodes: forbidden');
    const one = world({ cluster: { nodes: () => Promise.reject(forbidden) } });
    expect(await errorOf(nodesReady.run(contextIn(one)))).toBe(forbidden);
  });
});

describe('the pods after an upgrade', () => {
  const down = { ready: false };
  const cni = { owner: { kind: 'DaemonSet', name: 'cni' }, node: 'worker-1' };
  /** As the API lists them: by the namespace and the node that are asked for. */
  const withPods = (pods: readonly PodFact[], postflight = {}) =>
    world({
      settings: { waits, postflight },
      cluster: {
        pods: async ({ namespace, node }) =>
          pods.filter(
            (pod) =>
              (namespace === undefined || pod.namespace === namespace) && (node === undefined || pod.node === node),
          ),
      },
    });
  const system = (name: string, fields: Partial<PodFact> = {}): PodFact =>
    examplePod(name, { namespace: 'kube-system', ...cni, ...fields });
  const uncounted: [string, Partial<PodFact>][] = [
    ['has succeeded', { ...down, phase: 'Succeeded' }],
    ['has failed', { ...down, phase: 'Failed' }],
    ['is on its way out', { ...down, deleting: true }],
  ];
  const ofJob: [string, Partial<PodFact>] = ["is a Job's", { ...down, owner: { kind: 'Job', name: 'once' } }];

  it.each([...uncounted, ofJob, ['is of another namespace', { ...down, namespace: 'apps' }], ['is ready', {}]] as [
    string,
    Partial<PodFact>,
  ][])('of kube-system are all there beside one that %s', async (_title, fields) => {
    expect(await errorOf(systemPods.run(contextIn(withPods([system('a'), system('b', fields)]))))).toBeUndefined();
  });

  it.each([
    ['runs', {}],
    ['waits for a node', { phase: 'Pending' }],
    ['has no owner', { owner: null }],
  ] as [string, Partial<PodFact>][])(
    'of kube-system are waited for: one that is not ready and %s',
    async (_title, fields) => {
      const one = withPods([system('a'), system('b', { ...down, ...fields }), system('c', down)]);
      expect(await errorOf(systemPods.run(contextIn(one)))).toMatchObject({
        kind: 'timeout',
        message: 'waiting 20 s for the pods of kube-system: not ready: b, c',
      });
    },
  );

  it.each([
    ...uncounted,
    ofJob,
    ['is on another node', { ...down, node: 'worker-2' }],
    ['is of no DaemonSet', { ...down, owner: { kind: 'ReplicaSet', name: 'web' } }],
    ['has no owner', { ...down, owner: null }],
    ['is ready', {}],
  ] as [string, Partial<PodFact>][])(
    'of the DaemonSets are back on the node beside one that %s',
    async (_title, fields) => {
      expect(await errorOf(daemonSets.run(contextIn(withPods([system('a'), system('b', fields)]))))).toBeUndefined();
    },
  );

  it('of the DaemonSets are waited for on the node, with their names', async () => {
    const one = withPods([system('a'), system('b', down), system('c', { ...down, namespace: 'apps' })]);
    expect(await errorOf(daemonSets.run(contextIn(one)))).toMatchObject({
      kind: 'timeout',
      message: 'waiting 20 s for the DaemonSet pods of worker-1: not ready: kube-system/b, apps/c',
    });
  });

  const some = (ready: number, all: number): PodFact[] =>
    Array.from({ length: all }, (_, index) => examplePod(`p${index}`, { ready: index < ready }));

  it.each([
    ['9 of 10', 0.9, some(9, 10)],
    ['1 of 1', 1, some(1, 1)],
    ['none at all', 1, []],
    [
      '1 of 1 beside what does not count',
      1,
      [...some(1, 1), ...uncounted.map(([name, fields]) => examplePod(name, fields))],
    ],
    ['0 of 1 where none is asked for', 0, some(0, 1)],
  ])('D23 are enough with %s for %d', async (_title, podReadyRatioSetting, pods) => {
    const one = withPods(pods, { podReadyRatio: podReadyRatioSetting });
    await podReadyRatio.run(contextIn(one));
    expect(one.passed()).toBe(0);
  });

  it.each([
    [0.91, some(9, 10), '9 of 10 pods are ready, 0.90 instead of 0.91'],
    [1, some(2, 3), '2 of 3 pods are ready, 0.67 instead of 1'],
    [0.1, some(0, 1), '0 of 1 pods are ready, 0.00 instead of 0.1'],
  ])('D23 are too few for %d', async (podReadyRatioSetting, pods, text) => {
    const one = withPods(pods, { podReadyRatio: podReadyRatioSetting });
    expect(await errorOf(podReadyRatio.run(contextIn(one)))).toMatchObject({
      kind: 'timeout',
      message: `waiting 20 s for enough pods to be ready: ${text}`,
    });
  });
});

describe('cluster-dns', () => {
  /** A DNS server that knows one name at 10.96.0.1, or answers it without an address; it notes what it was asked. */
  async function server(known: string, addresses: 0 | 1 | 'IPv6', host: '127.0.0.1' | '::1' = '127.0.0.1') {
    const asked: string[] = [];
    const socket = createSocket(host === '::1' ? 'udp6' : 'udp4');
    socket.on('message', (query, from) => {
      const end = query.indexOf(0, 12) + 5;
      const labels: string[] = [];
      for (let at = 12; (query[at] ?? 0) > 0; at += (query[at] ?? 0) + 1)
        labels.push(query.toString('latin1', at + 1, at + 1 + (query[at] ?? 0)));
      asked.push(labels.join('.'));
      const isKnown = asked.at(-1) === known;
      const header = Buffer.from([query[0] ?? 0, query[1] ?? 0, 0x81, isKnown ? 0x80 : 0x83, 0, 1, 0, 0, 0, 0, 0, 0]);
      const isAaaa = query[end - 3] === 28;
      header[7] = isKnown && (addresses === 'IPv6' ? isAaaa : addresses === 1) ? 1 : 0;
      const answer = isAaaa
        ? Buffer.from([0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 1, 0, 16, 0xfd, ...Array<number>(14).fill(0), 10])
        : Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 10, 96, 0, 1]);
      socket.send(
        Buffer.concat([header, query.subarray(12, end), ...(header[7] === 1 ? [answer] : [])]),
        from.port,
        from.address,
      );
    });
    await new Promise<void>((resolve) => void socket.bind(0, host, resolve));
    return { asked, address: host, port: socket.address().port, close: () => void socket.close() };
  }
  const NAME = 'kubernetes.default.svc.cluster.test';
  const asking = (service: { address: string; port: number } | undefined) =>
    world({
      settings: { waits, postflight: { clusterDomain: 'cluster.test' } },
      cluster: { dnsService: async () => service },
      deps: { clock: fastClock(50) },
    });

  it.each([
    [true, undefined],
    [false, 'this process is outside the cluster'],
  ])('is skipped outside the cluster: in it %s', async (inCluster, want) => {
    expect(await clusterDns.skip?.(contextIn(world({ deps: { inCluster } })))).toBe(want);
  });

  it.each(['127.0.0.1', '::1'] as const)(
    'asks the Service at %s for the API server, in the domain of the cluster',
    async (host) => {
      const dns = await server(NAME, 1, host);
      const one = asking(dns);
      await clusterDns.run(contextIn(one));
      dns.close();
      expect(dns.asked).toEqual([NAME]);
    },
  );

  it('takes the address of a cluster that has IPv6 only', async () => {
    const dns = await server(NAME, 'IPv6', '::1');
    await clusterDns.run(contextIn(asking(dns)));
    dns.close();
    expect(dns.asked).toEqual([NAME, NAME]);
  });

  it.each([
    ['does not know the name', 'other', 1 as const, /ENOTFOUND/],
    ['knows it without an address', NAME, 0 as const, /ENODATA|without an address/],
  ])('fails when it %s', async (_title, known, addresses, message) => {
    const dns = await server(known, addresses);
    const error = await errorOf(clusterDns.run(contextIn(asking(dns))));
    dns.close();
    expect(error).toMatchObject({ kind: 'timeout', message: expect.stringMatching(message) });
    expect(String(error)).toContain(`waiting 20 s for the cluster DNS to know ${NAME}: `);
  });

  it('asks for the names of the settings as well, and says where a name of outside is looked for', async () => {
    const dns = await server(NAME, 1);
    const one = world({
      settings: { waits, postflight: { clusterDomain: 'cluster.test' }, smoke: { dnsNames: ['other.test'] } },
      cluster: { dnsService: async () => dns },
      deps: { clock: fastClock(50) },
    });
    const error = await errorOf(clusterDns.run(contextIn(one)));
    dns.close();
    expect(error).toMatchObject({
      message: expect.stringMatching(/^waiting 20 s for the cluster DNS to know other\.test: .*ENOTFOUND/) as string,
      remedy: expect.stringContaining('smoke.dnsNames') as string,
    });
    expect(dns.asked.slice(0, 2)).toEqual([NAME, 'other.test']);
  });

  it('only warns where there is no such Service', async () => {
    const one = asking(undefined);
    await clusterDns.run(contextIn(one));
    expect(one.seen.log.map(({ level }) => level)).toEqual(['warn']);
  });
});
