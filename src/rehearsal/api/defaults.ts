import type { CronJob, Job, Pod, PodSpec, Secret, Workload } from './kinds.ts';

/** What the API server fills in on creation, as far as somebody acts on it. */

const NOT_READY_TOLERATION_SECONDS = 300;

function defaultPodSpec(spec: PodSpec): void {
  spec.restartPolicy ??= 'Always';
  spec.terminationGracePeriodSeconds ??= 30;
  spec['dnsPolicy'] ??= 'ClusterFirst';
  spec['schedulerName'] ??= 'default-scheduler';
  spec['securityContext'] ??= {};
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    container['resources'] ??= {};
    container['terminationMessagePath'] ??= '/dev/termination-log';
    container['terminationMessagePolicy'] ??= 'File';
    container['imagePullPolicy'] ??= container.image?.endsWith(':latest') === true ? 'Always' : 'IfNotPresent';
  }
  for (const volume of spec.volumes ?? []) {
    for (const source of [volume.configMap, volume.secret, volume.projected]) {
      if (source !== undefined) source.defaultMode ??= 0o644;
    }
  }
}

export function defaultPod(pod: Pod): void {
  defaultPodSpec(pod.spec);
  pod.spec.serviceAccountName ??= 'default';
  pod.spec['serviceAccount'] = pod.spec.serviceAccountName;
  pod.spec['enableServiceLinks'] ??= true;
  pod.spec['priority'] ??= 0;
  pod.spec['preemptionPolicy'] ??= 'PreemptLowerPriority';
  const tolerations = (pod.spec.tolerations ??= []);
  // Admission DefaultTolerationSeconds: a node that is lost for five minutes loses its pods.
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    const known = tolerations.some(
      (each) => (each.key === undefined || each.key === key) && (each.effect ?? 'NoExecute') === 'NoExecute',
    );
    if (known) continue;
    tolerations.push({
      key,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: NOT_READY_TOLERATION_SECONDS,
    });
  }
  pod.status.phase ??= 'Pending';
  pod.status['qosClass'] ??= 'BestEffort';
}

export function defaultJob(job: Job): void {
  const { spec } = job;
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= 6;
  spec.suspend ??= false;
  spec['completionMode'] ??= 'NonIndexed';
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
  spec.manualSelector ??= false;
  defaultPodSpec(spec.template.spec);
  if (spec.manualSelector) return;
  const uid = job.metadata.uid;
  spec.selector = { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } };
  spec.template.metadata = {
    ...spec.template.metadata,
    labels: {
      ...spec.template.metadata?.labels,
      'batch.kubernetes.io/controller-uid': uid,
      'batch.kubernetes.io/job-name': job.metadata.name,
      'controller-uid': uid,
      'job-name': job.metadata.name,
    },
  };
}

export function defaultCronJob(cronJob: CronJob): void {
  const { spec } = cronJob;
  spec.suspend ??= false;
  spec.concurrencyPolicy ??= 'Allow';
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
  defaultPodSpec(spec.jobTemplate.spec.template.spec);
}

export function defaultWorkload(workload: Workload): void {
  if (workload.kind !== 'DaemonSet') workload.spec.replicas ??= 1;
  defaultPodSpec(workload.spec.template.spec);
}

export function defaultSecret(secret: Secret): void {
  secret.type ??= 'Opaque';
  if (secret.stringData === undefined) return;
  const encoded = Object.entries(secret.stringData).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  secret.data = { ...secret.data, ...Object.fromEntries(encoded) };
  delete secret.stringData;
}
