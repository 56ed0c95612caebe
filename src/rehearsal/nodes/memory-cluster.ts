import type { ClusterPort, StaticPod } from './cluster-port.ts';

export interface MemoryCluster extends ClusterPort {
  readonly kubelets: Map<string, string>;
  readonly runtimes: Map<string, string>;
  readonly pods: Map<string, StaticPod>;
  readonly addons: Map<string, string>;
}

/** A cluster that is a few maps: for tests of the nodes alone. */
export function memoryCluster(version: string, controlPlanes: readonly string[]): MemoryCluster {
  const kubelets = new Map<string, string>();
  const runtimes = new Map<string, string>();
  const pods = new Map<string, StaticPod>();
  const addons = new Map<string, string>();
  const apiServers = new Map(controlPlanes.map((name) => [name, version]));
  let config = version;
  return {
    kubelets,
    runtimes,
    pods,
    addons,
    kubeletStarted(node, kubelet, containerRuntime) {
      kubelets.set(node, kubelet);
      runtimes.set(node, containerRuntime);
      return Promise.resolve();
    },
    kubeletStopped(node) {
      kubelets.delete(node);
      return Promise.resolve();
    },
    staticPodChanged(node, pod) {
      pods.set(`${pod.component}-${node}`, pod);
      if (pod.component === 'kube-apiserver') apiServers.set(node, pod.image.split(':v').at(-1) ?? '');
      return Promise.resolve();
    },
    kubeadmConfigVersion: () => Promise.resolve(config),
    writeKubeadmConfigVersion(next) {
      config = next;
      return Promise.resolve();
    },
    apiServerVersions: () => Promise.resolve(apiServers),
    unreadyControlPlanes: () => Promise.resolve([]),
    addonUpgraded(addon, image) {
      addons.set(addon, image);
      return Promise.resolve();
    },
  };
}
