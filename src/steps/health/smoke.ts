import { Resolver } from 'node:dns/promises';
import type { ActionStep } from '../../chain/phase.ts';
import type { PodFact } from '../../cluster/cluster.ts';
import { NightliftError, reasonOf } from '../../errors.ts';
import { isOnTarget } from '../../facts/nodes.ts';

const SYSTEM_NAMESPACE = 'kube-system';

/** A run is complete when the cluster shows it, node by node. */
export const allOnTarget: ActionStep = {
  name: 'all-on-target',
  summary: 'every node is on the target',
  async run({ deps, target, signal }) {
    const behind = (await deps.cluster.nodes(signal)).filter((node) => !isOnTarget(node, target));
    if (behind.length === 0) return;
    throw new NightliftError(
      'phase',
      `checking that every node is on ${target}: ${behind.map((node) => `${node.name} has ${node.kubelet}`).join(', ')}`,
      {
        remedy: 'The next night goes on with these nodes.',
      },
    );
  },
};

export const apiHealth: ActionStep = {
  name: 'api-health',
  summary: '/readyz and /livez of the API server',
  async run(context) {
    const { deps, signal } = context;
    for (const path of ['/readyz', '/livez'] as const) {
      await context.waiter.until(
        `the API server's ${path}`,
        async () => {
          const health = await deps.cluster.health(path, signal);
          return health.ok ? { done: true, value: undefined } : { done: false, missing: health.detail };
        },
        { seconds: deps.settings.waits.readySeconds, remedy: `kubectl get --raw '${path}?verbose'` },
      );
    }
  },
};

export const clusterDns: ActionStep = {
  name: 'cluster-dns',
  summary: 'the cluster DNS answers for kubernetes.default',
  skip: ({ deps }) => Promise.resolve(deps.inCluster ? undefined : 'this process is outside the cluster'),
  async run(context) {
    const { deps, signal } = context;
    const name = `kubernetes.default.svc.${deps.settings.postflight.clusterDomain}`;
    const service = await deps.cluster.dnsService(signal);
    if (service === undefined) {
      deps.log.warn('there is no Service kube-system/kube-dns: the cluster DNS was not tried');
      return;
    }
    const resolver = new Resolver({ timeout: 2000, tries: 2 });
    resolver.setServers([
      service.address.includes(':') ? `[${service.address}]:${service.port}` : `${service.address}:${service.port}`,
    ]);
    await context.waiter.until(
      `the cluster DNS to know ${name}`,
      async () => {
        try {
          const addresses = await resolver.resolve4(name);
          return addresses.length > 0
            ? { done: true, value: undefined }
            : { done: false, missing: 'it answers without an address' };
        } catch (error) {
          return { done: false, missing: reasonOf(error) };
        }
      },
      {
        seconds: deps.settings.waits.readySeconds,
        remedy: 'kubectl -n kube-system get pods -l k8s-app=kube-dns, and their logs.',
      },
    );
  },
};

/** Control-plane pods and addons of kube-system; finished Jobs' pods do not count. */
export const systemPods: ActionStep = {
  name: 'system-pods',
  summary: 'the pods of kube-system run',
  async run(context) {
    const { deps, signal } = context;
    await context.waiter.until(
      'the pods of kube-system',
      async () => {
        const pods = (await deps.cluster.pods({ namespace: SYSTEM_NAMESPACE }, signal)).filter(counts);
        const down = pods.filter((pod) => !pod.ready);
        return down.length === 0
          ? { done: true, value: undefined }
          : { done: false, missing: `not ready: ${down.map((pod) => pod.name).join(', ')}` };
      },
      { seconds: deps.settings.waits.readySeconds, remedy: 'kubectl -n kube-system get pods' },
    );
  },
};

/** The ratio is a gate, not only a figure (D23). No pods at all is a result, not an error (I02). */
export const podReadyRatio: ActionStep = {
  name: 'pod-ready-ratio',
  summary: 'enough pods are ready',
  async run(context) {
    const { deps, signal } = context;
    const least = deps.settings.postflight.podReadyRatio;
    await context.waiter.until(
      'enough pods to be ready',
      async () => {
        const pods = (await deps.cluster.pods({}, signal)).filter(counts);
        const ready = pods.filter((pod) => pod.ready).length;
        const ratio = pods.length === 0 ? 1 : ready / pods.length;
        if (ratio >= least) return { done: true, value: undefined };
        return {
          done: false,
          missing: `${ready} of ${pods.length} pods are ready, ${ratio.toFixed(2)} instead of ${least}`,
        };
      },
      {
        seconds: deps.settings.waits.readySeconds,
        remedy:
          'kubectl get pods -A --field-selector=status.phase!=Succeeded; postflight.podReadyRatio sets the limit.',
      },
    );
  },
};

/** Pods that should be ready: not finished, not on their way out, and not a Job's (ours among them). */
function counts(pod: PodFact): boolean {
  return pod.phase !== 'Succeeded' && pod.phase !== 'Failed' && !pod.deleting && pod.owner?.kind !== 'Job';
}

/** The static pods of the control plane that was just upgraded. */
export const controlPlanePods: ActionStep = {
  name: 'control-plane-pods',
  summary: 'the control plane pods of the node run with the new version',
  async run(context) {
    const { deps, signal, target } = context;
    await context.waiter.until(
      'the control plane pods',
      async () => {
        const node = await context.node();
        const pods = (
          await deps.cluster.pods({ namespace: SYSTEM_NAMESPACE, labels: 'tier=control-plane' }, signal)
        ).filter((pod) => pod.node === node.name);
        const missing = [
          ...(pods.length === 0 ? [`${node.name} shows no control plane pods`] : []),
          ...pods.filter((pod) => !pod.ready).map((pod) => `${pod.name} is not ready`),
          ...pods
            .filter((pod) => wantsTarget(pod) && !pod.images.some((image) => image.endsWith(`:v${target}`)))
            .map((pod) => `${pod.name} runs ${pod.images.join(', ')}`),
        ];
        return missing.length === 0 ? { done: true, value: undefined } : { done: false, missing: missing.join('; ') };
      },
      {
        seconds: deps.settings.waits.readySeconds,
        remedy: 'On the node: crictl ps -a, and the manifests in /etc/kubernetes/manifests.',
      },
    );
  },
};

/** etcd follows a version of its own. */
function wantsTarget(pod: PodFact): boolean {
  return ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].includes(pod.labels['component'] ?? '');
}

/** What a node runs for everybody must be back before the next node goes. */
export const daemonSets: ActionStep = {
  name: 'daemon-sets',
  summary: "the node's DaemonSet pods are back",
  async run(context) {
    const { deps, signal } = context;
    const { name } = await context.node();
    await context.waiter.until(
      `the DaemonSet pods of ${name}`,
      async () => {
        const pods = (await deps.cluster.pods({ node: name }, signal)).filter(
          (pod) => pod.owner?.kind === 'DaemonSet' && counts(pod),
        );
        const down = pods.filter((pod) => !pod.ready);
        return down.length === 0
          ? { done: true, value: undefined }
          : { done: false, missing: `not ready: ${down.map((pod) => `${pod.namespace}/${pod.name}`).join(', ')}` };
      },
      {
        seconds: deps.settings.waits.readySeconds,
        remedy: `kubectl get pods -A --field-selector spec.nodeName=${name}`,
      },
    );
  },
};
