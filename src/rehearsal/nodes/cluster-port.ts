/** A static pod as the kubelet of a control plane runs it from /etc/kubernetes/manifests. */
export interface StaticPod {
  /** kube-apiserver, kube-controller-manager, kube-scheduler or etcd. */
  readonly component: string;
  readonly image: string;
  /** Annotation kubernetes.io/config.hash of its mirror pod. */
  readonly hash: string;
}

/** What a control plane answers on its own ports. */
export interface ControlPlanePort {
  readonly name: string;
  readonly internalIp: string;
  /** Its etcd runs. */
  readonly etcd: boolean;
  /** Its API server is ready. */
  readonly apiServer: boolean;
}

/** What a rehearsal node does to its cluster, and what kubeadm on it asks of the API server. Asking throws while that is away. */
export interface ClusterPort {
  /** The kubelet has (re)started and reports this version: the node is Ready soon after. */
  kubeletStarted(node: string, kubelet: string, containerRuntime: string): Promise<void>;
  /** The node stops reporting: NotReady, and its heartbeat ends. */
  kubeletStopped(node: string): Promise<void>;
  /** Resolves when the mirror pod of the new manifest is Running. A kube-apiserver takes its API away in between. */
  staticPodChanged(node: string, pod: StaticPod): Promise<void>;
  /** X.Y.Z of ConfigMap kube-system/kubeadm-config. */
  kubeadmConfigVersion(): Promise<string>;
  writeKubeadmConfigVersion(version: string): Promise<void>;
  /** X.Y.Z of the kube-apiserver pods, by node. */
  apiServerVersions(): Promise<ReadonlyMap<string, string>>;
  /** Asked at their own ports, which answer whether the API does or not. */
  controlPlanePorts(): readonly ControlPlanePort[];
  /** Names of control planes that are not Ready. */
  unreadyControlPlanes(): Promise<readonly string[]>;
  /** kubeadm has written the addon's new image. */
  addonUpgraded(addon: 'coredns' | 'kube-proxy', image: string): Promise<void>;
}
