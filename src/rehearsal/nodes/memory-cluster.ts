import type { ClusterPort, ControlPlanePort, StaticPod } from './cluster-port.ts';

export interface MemoryCluster extends ClusterPort {
  readonly kubelets: Map<string, string>;
  readonly runtimes: Map<string, string>;
  readonly pods: Map<string, StaticPod>;
  readonly addons: Map<string, string>;
  /** By name. */
  readonly ports: Map<string, ControlPlanePort>;
}

/** A cluster that is a few maps: for tests of the nodes alone. */
export function memoryCluster(version: string, controlPlanes: readonly string[]): MemoryCluster {
  const kubelets = new Map<string, string>();
  const runtimes = new Map<string, string>();
  const pods = new Map<string, StaticPod>();
  const addons = new Map<string, string>();
  const apiServers = new Map(controlPlanes.map((name) => [name, version]));
  const ports = new Map(
    controlPlanes.map((name, index) => [
      name,
      { name, internalIp: `192.0.2.${11 + index}`, etcd: true, apiServer: true },
    ]),
  );
  let config = version;
  return {
    kubelets,
    runtimes,
    pods,
    addons,
    ports,
    controlPlanePorts: () => [...ports.values()],
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
