import { expect, it } from 'vitest';
import { isForbidden, isNotFound } from '../../../src/cluster/kube-error.ts';
import { type Bench, OWN, PREFIX, signal } from './bench.ts';

export function describeObjects(bench: () => Bench): void {
  it('writes a ConfigMap whether or not it is there, and merges', async () => {
    const { cluster } = bench();
    expect(await cluster.configMap(OWN, 'state', signal)).toBeUndefined();
    await cluster.writeConfigMap(OWN, 'state', { a: '1' }, signal);
    await cluster.writeConfigMap(OWN, 'state', { b: '2' }, signal);
    expect(await cluster.configMap(OWN, 'state', signal)).toEqual({ a: '1', b: '2' });
    await cluster.deleteConfigMap(OWN, 'state', signal);
    await cluster.deleteConfigMap(OWN, 'state', signal);
    expect(await cluster.configMap(OWN, 'state', signal)).toBeUndefined();
  });

  it('makes a claim once, lists it by its labels, and deletes it', async () => {
    const { cluster, until } = bench();
    const manifest = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'probe', namespace: OWN, labels: { app: 'probe' } },
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'none-such',
        resources: { requests: { storage: '64Mi' } },
      },
    } as const;
    expect(await cluster.createClaim(manifest, signal)).toBe('created');
    expect(await cluster.createClaim(manifest, signal)).toBe('exists');
    expect((await cluster.claims('app=probe', signal)).map(({ name }) => name)).toEqual(['probe']);
    expect(await cluster.claims('app=other', signal)).toEqual([]);
    await cluster.deleteClaim('probe', signal);
    await cluster.deleteClaim('no-such', signal);
    await until(async () => ((await cluster.claims('app=probe', signal)).length === 0 ? true : undefined));
  });

  it('tells that an object is not there, nor its namespace, from a kind that is not served', async () => {
    const { cluster, read } = bench();
    expect(await cluster.configMap('no-such', 'a', signal)).toBeUndefined();
    expect(await cluster.lease('no-such', signal)).toBeUndefined();
    expect(await cluster.job('no-such', signal, 'no-such')).toBeUndefined();
    expect(await cluster.cronJob('no-such', 'no-such', signal)).toBeUndefined();
    await cluster.deleteJob('no-such', signal);
    const absent: unknown = await cluster.namespaceAnnotations('no-such', signal).catch((error: unknown) => error);
    expect(isNotFound(absent)).toBe(true);
    for (const [path, reason] of [
      ['/api/v1/namespaces/default/foos/a', 'NotServed'],
      ['/apis/foo.example/v1/namespaces/default/foos/a', 'NotKubernetes'],
    ] as const) {
      const error: unknown = await read(path).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ status: 404, reason, remedy: expect.stringContaining(path) as string });
      expect(isNotFound(error)).toBe(false);
    }
  });

  it('reads the version in kubeadm-config, and says so when it cannot', async () => {
    const { cluster } = bench();
    await expect(cluster.kubeadmConfigVersion(signal)).rejects.toMatchObject({ status: 404 });
    await cluster.writeConfigMap(
      'kube-system',
      'kubeadm-config',
      { ClusterConfiguration: 'kind: ClusterConfiguration\nkubernetesVersion: v1.36.3\n' },
      signal,
    );
    expect(await cluster.kubeadmConfigVersion(signal)).toBe('1.36.3');
    await cluster.writeConfigMap('kube-system', 'kubeadm-config', { ClusterConfiguration: ': {' }, signal);
    await expect(cluster.kubeadmConfigVersion(signal)).rejects.toThrow(/no kubernetesVersion X\.Y\.Z/);
  });

  it('reads in which version kubeadm-config is written, and says so when it cannot', async () => {
    const { cluster } = bench();
    const write = (text: string) =>
      cluster.writeConfigMap('kube-system', 'kubeadm-config', { ClusterConfiguration: text }, signal);
    await write('apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\n');
    expect(await cluster.kubeadmApi(signal)).toBe('kubeadm.k8s.io/v1beta3');
    for (const text of ['', 'kind: ClusterConfiguration\n', ': {', '[]', 'apiVersion: 1'])
      await write(text).then(() =>
        expect(cluster.kubeadmApi(signal)).rejects.toThrow(/does not say which version it is written in/),
      );
  });

  it('says the name of the cluster that kubeadm-config has', async () => {
    const { cluster } = bench();
    const write = (text: string) =>
      cluster.writeConfigMap('kube-system', 'kubeadm-config', { ClusterConfiguration: text }, signal);
    await write('kind: ClusterConfiguration\nclusterName: prod-1\n');
    expect(await cluster.clusterName(signal)).toBe('prod-1');
    await write('kind: ClusterConfiguration\n');
    expect(await cluster.clusterName(signal)).toBeNull();
    await write(': {');
    await expect(cluster.clusterName(signal)).rejects.toThrow(/does not say its name/);
  });

  it('changes a record of a run under the version that was read, two at once as well, and lists it', async () => {
    const { cluster } = bench();
    expect(await cluster.records(signal)).toEqual([]);
    const append = (letter: string) => cluster.changeRecord('a-run', (text = '') => `${text}${letter}`, signal);
    await Promise.all([append('a'), append('b'), append('c')]);
    const [text, ...others] = await cluster.records(signal);
    expect([text?.split('').toSorted(), others]).toEqual([['a', 'b', 'c'], []]);
    await cluster.changeRecord('a-run', () => undefined, signal);
    await cluster.changeRecord('no-run', () => undefined, signal);
    expect(await cluster.records(signal)).toEqual([text]);
    expect(await cluster.configMap(OWN, 'no-run', signal)).toBeUndefined();
    await cluster.deleteConfigMap(OWN, 'a-run', signal);
  });

  it('reads where the images come from and what etcd is started with in kubeadm-config, and says so when it cannot', async () => {
    const { cluster } = bench();
    const write = (text: string) =>
      cluster.writeConfigMap('kube-system', 'kubeadm-config', { ClusterConfiguration: text }, signal);
    await write('kind: ClusterConfiguration\nimageRepository: mirror.test/k8s\ndns:\n  imageTag: v1.14.2-our1\n');
    expect(await cluster.imageSources(signal)).toMatchObject({
      imageRepository: 'mirror.test/k8s',
      dnsTag: 'v1.14.2-our1',
      etcdTag: '',
    });
    for (const text of ['', ': {', 'kind: ClusterConfiguration\nimageRepository: a b\n', 'a: 1']) {
      await write(text);
      await expect(cluster.imageSources(signal)).rejects.toThrow(/does not say where the images come from/);
      await expect(cluster.etcdConfiguration('1.36.4', signal)).rejects.toThrow(
        /does not say what etcd is started with/,
      );
    }
    await write(
      'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\netcd:\n  local:\n    dataDir: /data\n',
    );
    expect(JSON.parse(await cluster.etcdConfiguration('1.36.4', signal))).toMatchObject({
      kubernetesVersion: 'v1.36.4',
      etcd: { local: { dataDir: '/data' } },
    });
  });

  it('sets and removes annotations of a namespace', async () => {
    const { cluster } = bench();
    await cluster.annotateNamespace(OWN, { [`${PREFIX}/a`]: '1', [`${PREFIX}/b`]: '2' }, signal);
    await cluster.annotateNamespace(OWN, { [`${PREFIX}/a`]: null }, signal);
    expect(await cluster.namespaceAnnotations(OWN, signal)).toEqual({ [`${PREFIX}/b`]: '2' });
  });

  it('I03 knows what it may do and what not', async () => {
    const { cluster, powerless } = bench();
    const evict = { verb: 'create', group: '', resource: 'pods/eviction', namespace: '' };
    expect(await cluster.allowed(evict, signal)).toBe(true);
    expect(await powerless.allowed(evict, signal)).toBe(false);
    const denied: unknown = await powerless.nodes(signal).catch((error: unknown) => error);
    expect(isForbidden(denied)).toBe(true);
    expect(String(denied)).toMatch(
      /listing the (nodes|kube-apiserver pods): the API server answered 403 Forbidden: .*cannot list resource/,
    );
  });

  it('finds the cluster DNS', async () => {
    const { cluster, create } = bench();
    expect(await cluster.dnsService(signal)).toBeUndefined();
    await create('/api/v1/namespaces/kube-system/services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kube-dns' },
      spec: {
        clusterIP: '10.96.0.10',
        ports: [
          { name: 'dns-tcp', port: 53, protocol: 'TCP' },
          { name: 'dns', port: 53, protocol: 'UDP' },
        ],
      },
    });
    expect(await cluster.dnsService(signal)).toEqual({ address: '10.96.0.10', port: 53 });
  });
}
