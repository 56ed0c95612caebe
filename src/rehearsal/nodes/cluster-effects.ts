import { parse, stringify } from 'yaml';
import type { ApiServer } from '../api/api-server.ts';
import { configMaps, daemonSets, deployments, nodes } from '../api/resources.ts';
import type { Controllers } from '../controllers/controllers.ts';
import { apiServerVersions, writeMirrorPod } from '../node-objects.ts';
import type { ClusterPort } from './cluster-port.ts';

export interface ClusterEffectsOptions {
  readonly server: Pick<ApiServer, 'store' | 'availability' | 'setAvailable' | 'setVersion'>;
  readonly controllers: Pick<Controllers, 'stopKubelet' | 'startKubelet'>;
  /** Between a new manifest and its running pod. */
  readonly staticPodMs: number;
  /** How long the API of a single control plane is away while its kube-apiserver restarts. */
  readonly outageMs: number;
}

const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';

/** What the rehearsal's nodes do to the embedded cluster. */
export function clusterEffects({ server, controllers, staticPodMs, outageMs }: ClusterEffectsOptions): ClusterPort {
  const { store } = server;
  const ask = <T>(answer: () => T): Promise<T> =>
    server.availability.isUp
      ? Promise.resolve().then(answer)
      : Promise.reject(new Error('Get "https://127.0.0.1:6443/": dial tcp 127.0.0.1:6443: connect: connection refused'));
  const controlPlanes = () => store.list(nodes, { labels: CONTROL_PLANE });
  return {
    kubeletStarted(node, kubelet, containerRuntime) {
      store.modify(nodes, node, undefined, (draft) => {
        draft.status.nodeInfo = {
          ...draft.status.nodeInfo,
          kubeletVersion: `v${kubelet}`,
          containerRuntimeVersion: containerRuntime,
        };
      });
      controllers.startKubelet(node);
      return Promise.resolve();
    },
    kubeletStopped(node) {
      controllers.stopKubelet(node);
      return Promise.resolve();
    },
    async staticPodChanged(node, pod) {
      // Behind a load balancer the others answer; alone, its restart is everybody's outage. etcd takes the API with it.
      const alone = controlPlanes().length === 1 && ['kube-apiserver', 'etcd'].includes(pod.component);
      if (alone) await server.setAvailable(false);
      await wait(alone ? outageMs : staticPodMs);
      writeMirrorPod(store, node, pod);
      if (pod.component === 'kube-apiserver') {
        const oldest = [...apiServerVersions(store).values()].toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))[0];
        if (oldest !== undefined) server.setVersion(`v${oldest}`);
      }
      if (alone) await server.setAvailable(true);
    },
    kubeadmConfigVersion: () =>
      ask(() => {
        const text = store.read(configMaps, 'kubeadm-config', 'kube-system').data?.['ClusterConfiguration'] ?? '';
        return String((parse(text) as { kubernetesVersion?: unknown }).kubernetesVersion).replace(/^v/, '');
      }),
    writeKubeadmConfigVersion: (version) =>
      ask(() => {
        store.modify(configMaps, 'kubeadm-config', 'kube-system', (draft) => {
          const configuration = parse(draft.data?.['ClusterConfiguration'] ?? '') as object;
          draft.data = {
            ...draft.data,
            ClusterConfiguration: stringify({ ...configuration, kubernetesVersion: `v${version}` }),
          };
        });
      }),
    apiServerVersions: () => ask(() => apiServerVersions(store)),
    unreadyControlPlanes: () =>
      ask(() =>
        controlPlanes()
          .filter(({ status }) => status.conditions?.find(({ type }) => type === 'Ready')?.status !== 'True')
          .map(({ metadata }) => metadata.name),
      ),
    addonUpgraded: (addon, image) =>
      ask(() => {
        const resource = addon === 'coredns' ? deployments : daemonSets;
        if (store.get(resource, addon, 'kube-system') === undefined) return;
        store.modify(resource, addon, 'kube-system', (draft) => {
          for (const container of draft.spec.template.spec.containers) container.image = image;
        });
      }),
  };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
