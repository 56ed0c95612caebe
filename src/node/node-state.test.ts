import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NightliftError } from '../errors.ts';
import { etcdImageStays, parseNodeState } from './node-state.ts';

const OUTPUT = `package.kubeadm\t1.36.4-1.1 hold installed
package.kubelet\t1.36.3-2.1 install half-configured
package.containerd\t1.7.24~ds1-6 install installed
manifest.kube-apiserver\tregistry.k8s.io/kube-apiserver:v1.36.4
source\t/etc/apt/sources.list.d/kubernetes.list: deb https://pkgs.k8s.io/core:/stable:/v1.36/deb/ /
free.root\t60000000000
free.var\t50000000000
free.etcd\t50000000000
etcd.bytes\t20480
staged\t1.36.4
kubeadm-done\t1.36.4
image\t1.36.4 registry.k8s.io/etcd:3.6.8-0
unit.nightlift-master\tactive
backup\t/etc/kubernetes/tmp/kubeadm-backup-etcd-x 24576
kubelet\tactive
`;

describe('parseNodeState', () => {
  it('reads what node-state.sh prints', () => {
    const state = parseNodeState(OUTPUT);
    expect(state.packages.get('kubeadm')).toEqual({
      package: '1.36.4-1.1',
      version: '1.36.4',
      held: true,
      installed: true,
    });
    expect(state.packages.get('kubelet')).toMatchObject({ version: '1.36.3', held: false, installed: false });
    expect(state.packages.get('containerd')).toMatchObject({ package: '1.7.24~ds1-6', version: undefined });
    expect(state.manifests.get('kube-apiserver')).toBe('registry.k8s.io/kube-apiserver:v1.36.4');
    expect(state.freeBytes).toEqual({ root: 60e9, var: 50e9, etcd: 50e9 });
    expect(state).toMatchObject({ etcdBytes: 20480, staged: ['1.36.4'], kubeadmDone: ['1.36.4'], kubelet: 'active' });
    expect(state.images.get('1.36.4')).toEqual(['registry.k8s.io/etcd:3.6.8-0']);
    expect(state.units.get('nightlift-master')).toBe('active');
    expect(state.backups).toEqual([{ path: '/etc/kubernetes/tmp/kubeadm-backup-etcd-x', bytes: 24576 }]);
  });

  it('I06 D17 proves that etcd stays the same only from what it has seen', () => {
    const withEtcd = (image: string) => parseNodeState(`manifest.etcd\t${image}\n${OUTPUT}`);
    expect(etcdImageStays(withEtcd('registry.k8s.io/etcd:3.6.8-0'), '1.36.4')).toBe(true);
    expect(etcdImageStays(withEtcd('registry.k8s.io/etcd:3.6.6-0'), '1.36.4')).toBe(false);
    expect(etcdImageStays(withEtcd('registry.k8s.io/etcd:3.6.8-0'), '1.36.5')).toBe(false);
    expect(etcdImageStays(parseNodeState(OUTPUT), '1.36.4')).toBe(false);
  });

  it.each(['', '<html>login</html>', OUTPUT.slice(0, -20), OUTPUT.replace('20480', 'many')])(
    'refuses half an answer',
    (output) => {
      expect(() => parseNodeState(output)).toThrow(NightliftError);
    },
  );

  it('gives an answer or an error of ours for any input', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...OUTPUT.split('\n')), fc.string())), (lines) => {
        try {
          parseNodeState(lines.join('\n'));
        } catch (error) {
          expect(error).toBeInstanceOf(NightliftError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
