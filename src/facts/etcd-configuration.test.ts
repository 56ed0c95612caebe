import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { etcdConfigurationOf } from './etcd-configuration.ts';

const CLUSTER = {
  apiVersion: 'kubeadm.k8s.io/v1beta4',
  kind: 'ClusterConfiguration',
  kubernetesVersion: 'v1.36.3',
  networking: { serviceSubnet: '10.96.0.0/12' },
  imageRepository: 'mirror.test/k8s',
  etcd: { local: { dataDir: '/data/etcd', extraArgs: [{ name: 'quota-backend-bytes', value: '8' }] } },
};

describe('what kubeadm writes the manifest of etcd from', () => {
  it('is of the target, with all that stands there of etcd', () => {
    expect(JSON.parse(etcdConfigurationOf(CLUSTER, '1.36.4'))).toEqual({
      apiVersion: CLUSTER.apiVersion,
      kind: CLUSTER.kind,
      kubernetesVersion: 'v1.36.4',
      imageRepository: CLUSTER.imageRepository,
      etcd: CLUSTER.etcd,
    });
  });

  it('is one line of ASCII, as a node takes it', () => {
    const etcd = { local: { dataDir: '/data/größe\n' } };
    const json = etcdConfigurationOf({ ...CLUSTER, etcd }, '1.36.4');
    expect(json).toMatch(/^[ -~]+$/);
    expect(JSON.parse(json)).toMatchObject({ etcd });
  });

  it('is there where nothing is said of etcd, and is not where it is external', () => {
    expect(etcdConfigurationOf({ ...CLUSTER, etcd: undefined }, '1.36.4')).not.toBe('');
    expect(etcdConfigurationOf({ ...CLUSTER, etcd: { external: { endpoints: [] } } }, '1.36.4')).toBe('');
  });

  it.each([{}, null, { ...CLUSTER, kind: 'InitConfiguration' }, { ...CLUSTER, apiVersion: 'v1\n---\n' }])(
    'is unknown of %j',
    (given) => {
      expect(() => etcdConfigurationOf(given, '1.36.4')).toThrow(z.ZodError);
    },
  );
});
