import { nodeViews, runningPod } from './cluster-view.ts';
import { NAMESPACE } from './deployment-objects.ts';
import type { EmbeddedCluster } from './embedded-cluster.ts';
import type { ScenarioEvent } from './scenario.ts';

export function masterRuns(cluster: EmbeddedCluster): boolean {
  return cluster.nodes.commands.matching(/^kubeadm upgrade apply/).length > 0;
}

export function kubeadmRunsOn(cluster: EmbeddedCluster, command: RegExp, node?: string): boolean {
  return cluster.nodes.commands.matching(command, node).some(({ finishedAt }) => finishedAt === null);
}

/** SIGKILL for the Job's process, as the kernel's memory killer sends it. */
export function kill(what: string, job: string, when: ScenarioEvent['when']): ScenarioEvent {
  return {
    what: `the Job of ${what} is killed`,
    when: (cluster) => runningPod(cluster, job) !== undefined && when(cluster),
    act: (cluster) => {
      const pod = runningPod(cluster, job);
      if (pod !== undefined) cluster.controllers.killPod(pod.metadata.name, NAMESPACE);
    },
  };
}

export function isCordoned(cluster: EmbeddedCluster, name: string): boolean {
  return nodeViews(cluster).some((node) => node.name === name && !node.schedulable);
}

export function appliedOnce({ nodes }: EmbeddedCluster): readonly string[] {
  const count = nodes.commands.matching(/^kubeadm upgrade apply/).length;
  return count === 1 ? [] : [`kubeadm upgrade apply ran ${count} times`];
}

/** Pods stay where they are: none is evicted, not even asked whether it might be. */
export function nothingEvicted({ server }: EmbeddedCluster): readonly string[] {
  return server.requests.writes
    .filter(({ path }) => path.endsWith('/eviction'))
    .map(({ method, path, user }) => `${user} sent ${method} ${path}`);
}

/** Neither on a node nor in the API: a refusal leaves no trace but what the detector remembers. */
export function nothingChanged({ nodes, server }: EmbeddedCluster): readonly string[] {
  const changing = nodes.commands.matching(
    /^(kubeadm upgrade|apt-get .*install|apt-mark|systemctl (re)?start|dpkg -i)/,
  );
  const writes = server.requests.writes.filter(
    ({ path }) => !path.endsWith('/configmaps') && !path.endsWith('/configmaps/k8s-upgrade-state'),
  );
  return [
    ...changing.map(({ node, argv }) => `${node} ran ${argv.join(' ')}`),
    ...writes.map(({ method, path, user }) => `${user} sent ${method} ${path}`),
  ];
}
