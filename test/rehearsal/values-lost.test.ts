import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { configMaps } from '../../src/rehearsal/api/resources.ts';
import type { EmbeddedCluster } from '../../src/rehearsal/embedded-cluster.ts';
import { runNight } from '../../src/rehearsal/night.ts';
import type { Topology } from '../../src/rehearsal/topology.ts';
import { logOf, NIGHT_MS, SMALL, useNights, versionsOf } from './nights.ts';

const nights = useNights();
/** As after an edit by hand, on every control plane. */
const EDITED: Topology = {
  ...SMALL,
  controlPlanes: 2,
  extraApiServerFlags: ['--authentication-config=/etc/kubernetes/auth.yaml', '--anonymous-auth=false'],
};
const NAMES = ['kube-apiserver --authentication-config', 'kube-apiserver --anonymous-auth'];

const applied = (cluster: EmbeddedCluster) => cluster.nodes.commands.matching(/^kubeadm upgrade (apply|node)/);

describe.concurrent('what stands in manifests and not in kubeadm-config', { timeout: NIGHT_MS }, () => {
  it('I18 is named with before and after of every control plane, and goes only where the settings let it', async () => {
    await nights.cluster(
      EDITED,
      async (cluster) => {
        const night = await runNight(cluster);
        expect(night.outcome, logOf(cluster)).toBe('blocked');
        const said = night.messages.join('\n');
        expect(said).toContain('kube-apiserver --anonymous-auth: "false" → gone (control-1, control-2)');
        expect(new Set(Object.values(versionsOf(night)))).toEqual(new Set(['1.36.3']));
        expect(applied(cluster)).toEqual([]);
      },
      { settings: { kubeadm: { droppedFlags: 'block' } } },
    );
  });

  it('I18 is no reason to stop where all of it is expected', async () => {
    await nights.cluster(
      EDITED,
      async (cluster) => {
        const night = await runNight(cluster);
        expect(night.outcome, logOf(cluster)).toBe('upgraded');
        expect(logOf(cluster)).not.toContain('what was to stay');
      },
      { settings: { kubeadm: { droppedFlags: 'block', expectedChanges: NAMES } } },
    );
  });

  it('I18 is compared again after each control plane: a lost --authentication-config is said', async () => {
    await nights.cluster(EDITED, async (cluster) => {
      const night = await runNight(cluster);
      expect(night.outcome, logOf(cluster)).toBe('upgraded');
      for (const node of ['control-1', 'control-2'])
        expect(night.messages.join('\n')).toContain(
          `The upgrade of ${node} to 1.36.4 has changed in its manifests what was to stay (single sign-on may be broken)`,
        );
    });
  });
});

describe.concurrent('images of several repositories', { timeout: NIGHT_MS }, () => {
  it('are fetched from where the ClusterConfiguration has each of them', async () => {
    await nights.cluster(SMALL, async (cluster) => {
      cluster.server.store.modify(configMaps, 'kubeadm-config', 'kube-system', (draft) => {
        const ClusterConfiguration = stringify({
          apiVersion: 'kubeadm.k8s.io/v1beta4',
          kind: 'ClusterConfiguration',
          kubernetesVersion: 'v1.36.3',
          imageRepository: 'mirror.test/k8s',
          dns: { imageRepository: 'mirror.test/dns' },
          etcd: { local: { dataDir: '/var/lib/etcd', imageRepository: 'mirror.test/etcd-builds' } },
        });
        draft.data = { ...draft.data, ClusterConfiguration };
      });
      const { knobs, machine } = cluster.nodes.node('control-1');
      knobs.missingImages.add('mirror.test/k8s/coredns:v1.14.2').add('mirror.test/k8s/etcd:3.6.8-0');
      const night = await runNight(cluster);
      expect(night.outcome, logOf(cluster)).toBe('upgraded');
      expect([...machine.images]).toEqual(
        expect.arrayContaining([
          'mirror.test/k8s/kube-apiserver:v1.36.4',
          'mirror.test/dns/coredns:v1.14.2',
          'mirror.test/etcd-builds/etcd:3.6.8-0',
        ]),
      );
    });
  });

  it('are no guess where it cannot be read: nothing is changed', async () => {
    await nights.cluster(SMALL, async (cluster) => {
      cluster.server.store.modify(configMaps, 'kubeadm-config', 'kube-system', (draft) => {
        const text = draft.data?.['ClusterConfiguration'] ?? '';
        draft.data = { ClusterConfiguration: text.replace('registry.k8s.io', '"mirror.test/ k8s"') };
      });
      const night = await runNight(cluster);
      expect(night.outcome, logOf(cluster)).toBe('failed');
      expect(night.messages.join('\n')).toContain('does not say where the images come from');
      expect(applied(cluster)).toEqual([]);
    });
  });
});
