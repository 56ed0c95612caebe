import { describe, expect, it } from 'vitest';
import type { NodeState, PackageState } from '../../node/node-state.ts';
import { nodeDefects } from './node-upgrade.ts';

const TARGET = '1.36.4';

function packageOf(version: string, more: Partial<PackageState> = {}): PackageState {
  return { package: `${version}-1.1`, version, held: true, installed: true, ...more };
}

function state(more: Partial<NodeState> = {}): NodeState {
  return {
    packages: new Map(['kubeadm', 'kubelet', 'kubectl'].map((name) => [name, packageOf(TARGET)])),
    manifests: new Map([
      ['kube-apiserver', `registry.k8s.io/kube-apiserver:v${TARGET}`],
      ['etcd', 'registry.k8s.io/etcd:3.6.8-0'],
    ]),
    sources: [],
    freeBytes: { root: 1, var: 1, etcd: 1 },
    etcdBytes: 1,
    staged: [],
    kubeadmDone: [],
    sourceChanged: [],
    images: new Map(),
    units: new Map(),
    backups: [],
    kubelet: 'active',
    ...more,
  };
}

describe('nodeDefects', () => {
  it.each([
    ['finds nothing on a node that is as it should be', state(), []],
    [
      'names a package that is behind',
      state({ packages: new Map([...state().packages, ['kubelet', packageOf('1.36.3')]]) }),
      ['package kubelet is 1.36.3-1.1'],
    ],
    [
      'names a package that lost its hold',
      state({ packages: new Map([...state().packages, ['kubeadm', packageOf(TARGET, { held: false })]]) }),
      ['package kubeadm is not on hold'],
    ],
    [
      'names a package that dpkg left half-way',
      state({ packages: new Map([...state().packages, ['kubectl', packageOf(TARGET, { installed: false })]]) }),
      ['package kubectl is not installed in full'],
    ],
    [
      'names a manifest with the old image and leaves etcd and digests alone',
      state({
        manifests: new Map([
          ['kube-apiserver', 'registry.k8s.io/kube-apiserver:v1.36.3'],
          ['kube-scheduler', `registry.k8s.io/kube-scheduler:v${TARGET}@sha256:00`],
          ['etcd', 'registry.k8s.io/etcd:3.6.8-0'],
        ]),
      }),
      ['the manifest of kube-apiserver has registry.k8s.io/kube-apiserver:v1.36.3'],
    ],
    ['names a kubelet that does not run', state({ kubelet: 'failed' }), ['the kubelet is failed']],
  ])('%s', (_, node, expected) => {
    expect(nodeDefects(node, TARGET)).toEqual(expected);
  });
});
