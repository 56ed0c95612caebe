import { parse, stringify } from 'yaml';
import type { ApiServer } from './api/api-server.ts';
import { configMaps, daemonSets, deployments, nodes, pods } from './api/resources.ts';
import { isTrue } from './controllers/conditions.ts';
import type { Controllers } from './controllers/controllers.ts';
import { apiServerVersions, writeMirrorPod } from './node-objects.ts';
import type { ClusterPort } from './nodes/cluster-port.ts';

const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';

/** A new API server answers before it has read its roles: 403 to everybody, and /readyz says so (seen on a real cluster). */
function warmUp({ faults }: ApiServer, ms: number): void {
  const rules = [
    faults.add({ path: /^\/readyz/, fault: { kind: 'status', code: 500 } }),
    faults.add({ path: /^\/apis?\//, fault: { kind: 'status', code: 403 } }),
  ];
  setTimeout(() => {
    for (const remove of rules) remove();
  }, ms);
}

export interface NodeLinkOptions {
  readonly server: ApiServer;
  /** Started after the nodes, which need this link. */
  readonly controllers: () => Controllers;
  readonly controlPlanes: number;
  /** How long the one API server of a single control plane is away when its manifest changes. */
  readonly apiAwayMs: number;
  /** How long any other static pod takes to come back. */
  readonly staticPodMs: number;
}

/** What the rehearsal's nodes do to their cluster: kubelets report, static pods change, kubeadm reads and writes. */
export function createNodeLink(options: NodeLinkOptions): ClusterPort {
  const { server } = options;
  const { store } = server;
  const isControlPlane = (node: string): boolean =>
    store.list(nodes, { labels: CONTROL_PLANE }).some(({ metadata }) => metadata.name === node);
  const away = (): void => {
    // kubeadm on a node goes through the API server like everybody else.
    if (!server.availability.isUp) throw new Error('the connection to the server was refused');
  };
  /** The one API server of a single control plane goes and comes back. */
  const restartApiServer = async (whileAway: () => Promise<void>): Promise<void> => {
    await server.setAvailable(false);
    await whileAway();
    await server.setAvailable(true);
    warmUp(server, options.apiAwayMs / 2);
  };
  return {
    kubeletStarted(node, kubelet, containerRuntime) {
      const before = store.read(nodes, node).status.nodeInfo?.['kubeletVersion'];
      // A kubelet of another minor makes its static pods anew, after the node was Ready (seen on a real cluster).
      const isNewMinor = typeof before === 'string' && minorOf(before) !== minorOf(`v${kubelet}`);
      if (isNewMinor && options.controlPlanes === 1 && isControlPlane(node))
        setTimeout(() => void restartApiServer(() => sleep(options.apiAwayMs / 2)), options.staticPodMs);
      store.modify(nodes, node, undefined, (draft) => {
        const info = (draft.status.nodeInfo ??= {});
        info['kubeletVersion'] = `v${kubelet}`;
        info['containerRuntimeVersion'] = containerRuntime;
      });
      options.controllers().startKubelet(node);
      return Promise.resolve();
    },
    kubeletStopped(node) {
      options.controllers().stopKubelet(node);
      return Promise.resolve();
    },
    async staticPodChanged(node, pod) {
      const takesApiAway = pod.component === 'kube-apiserver' && options.controlPlanes === 1;
      const change = async (): Promise<void> => {
        await sleep(takesApiAway ? options.apiAwayMs : options.staticPodMs);
        writeMirrorPod(store, node, pod);
        if (pod.component === 'kube-apiserver') server.setVersion(`v${oldest([...apiServerVersions(store).values()])}`);
      };
      await (takesApiAway ? restartApiServer(change) : change());
    },
    kubeadmConfigVersion() {
      away();
      const text = store.read(configMaps, 'kubeadm-config', 'kube-system').data?.['ClusterConfiguration'] ?? '';
      return Promise.resolve((parse(text) as { kubernetesVersion: string }).kubernetesVersion.replace(/^v/, ''));
    },
    writeKubeadmConfigVersion(version) {
      away();
      store.modify(configMaps, 'kubeadm-config', 'kube-system', (draft) => {
        const configuration = parse(draft.data?.['ClusterConfiguration'] ?? '') as Record<string, unknown>;
        draft.data = {
          ...draft.data,
          ClusterConfiguration: stringify({ ...configuration, kubernetesVersion: `v${version}` }),
        };
      });
      return Promise.resolve();
    },
    apiServerVersions() {
      away();
      return Promise.resolve(apiServerVersions(store));
    },
    controlPlanePorts() {
      const ready = (name: string): boolean => isTrue(store.get(pods, name, 'kube-system')?.status.conditions, 'Ready');
      // A port is open where its pod runs, whatever the labels of the node say.
      const running = apiServerVersions(store);
      const planes = store
        .list(nodes)
        .filter(({ metadata: { name, labels } }) => labels?.[CONTROL_PLANE] !== undefined || running.has(name));
      return planes.map(({ metadata: { name }, status }) => ({
        name,
        internalIp: status.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '',
        etcd: ready(`etcd-${name}`),
        apiServer: ready(`kube-apiserver-${name}`) && server.availability.isUp,
      }));
    },
    unreadyControlPlanes() {
      away();
      const planes = store.list(nodes, { labels: CONTROL_PLANE });
      return Promise.resolve(
        planes.filter(({ status }) => !isTrue(status.conditions, 'Ready')).map(({ metadata }) => metadata.name),
      );
    },
    addonUpgraded(addon, image) {
      const change = (draft: { spec: { template: { spec: { containers: { image?: string }[] } } } }): void => {
        for (const container of draft.spec.template.spec.containers) container.image = image;
      };
      if (addon === 'coredns') store.modify(deployments, addon, 'kube-system', change);
      else store.modify(daemonSets, addon, 'kube-system', change);
      return Promise.resolve();
    },
  };
}

function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

/** Behind a load balancer any of them may answer: the oldest is the one to be careful for. */
function oldest(versions: readonly string[]): string {
  return versions.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))[0] ?? '';
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
