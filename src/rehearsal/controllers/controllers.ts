import type { ApiServer } from '../api/api-server.ts';
import type { Job, Pod } from '../api/kinds.ts';
import type { ControllerContext } from './controller-context.ts';
import { runScheduled, startCronJobController, triggerCronJob } from './cron-job-controller.ts';
import { startDaemonSetController } from './daemon-set-controller.ts';
import { startDeploymentController } from './deployment-controller.ts';
import { startDisruptionBudgetController } from './disruption-budget-controller.ts';
import { startGarbageCollector } from './garbage-collector.ts';
import { startJobController } from './job-controller.ts';
import { startKubelet } from './kubelet.ts';
import { startNamespaceController } from './namespace-controller.ts';
import { startNodeController } from './node-controller.ts';
import { startNodeHeartbeats } from './node-heartbeat.ts';
import { type OrdinaryBehaviour, ordinaryRunner } from './ordinary-runner.ts';
import { startPodCollector } from './pod-collector.ts';
import type { PodRunner } from './pod-runner.ts';
import { startReplicaSetController } from './replica-set-controller.ts';
import { startScheduler } from './scheduler.ts';
import { startStatefulSetController } from './stateful-set-controller.ts';

export interface ControllerOptions {
  /** Asked in order; pods that none accepts are ordinary ones. */
  readonly runners?: readonly PodRunner[];
  /** How ordinary pods behave; they start and stop within `reactionMs` unless told otherwise. */
  readonly ordinary?: (pod: Pod) => OrdinaryBehaviour;
  /** Real milliseconds of one second of Kubernetes' own times (backoff, deadline, ttl, lease, grace). Default 1000. */
  readonly secondMs?: number;
  /** Longest time between two pods of a Job whose pods fail, in seconds of Kubernetes; default the real 600. */
  readonly longestBackoffSeconds?: number;
  /** How many ended pods are kept; default the real 12,500. */
  readonly mostEndedPods?: number;
  /** Between a change and the reaction of a controller. Default 20 ms. */
  readonly reactionMs?: number;
  /** False: nodes without kubelets, as on a control plane that stands alone; the pods' status is written by others. */
  readonly kubelets?: boolean;
  /** A controller that threw. By default the error ends the process: it is a bug of the embedded cluster. */
  readonly onError?: (error: unknown) => void;
}

export interface Controllers {
  /** `kubectl create job --from=cronjob/NAME`. */
  trigger(name: string, namespace: string, jobName?: string): Job;
  /** The CronJob's hour has come. */
  runScheduled(name: string, namespace: string, at: Date): Job | undefined;
  /** SIGKILL for the containers of a pod. */
  killPod(name: string, namespace: string): boolean;
  /** The kubelet of a node stops, its containers run on; the node becomes NotReady when its Lease has expired. */
  stopKubelet(nodeName: string): void;
  startKubelet(nodeName: string): void;
  /** Power off: kubelet and containers are gone at once. `startKubelet` brings the node back. */
  crashNode(nodeName: string): void;
  close(): void;
}

type Served = Pick<ApiServer, 'store' | 'availability' | 'podLogs'>;

/** Everything of a cluster that reacts to what is stored: controller-manager, scheduler, kubelets. */
export function startControllers(server: Served, options: ControllerOptions = {}): Controllers {
  const { store, availability, podLogs } = server;
  const reactionMs = options.reactionMs ?? 20;
  const context: ControllerContext = {
    store,
    availability,
    secondMs: options.secondMs ?? 1000,
    reactionMs,
    ...(options.longestBackoffSeconds === undefined ? {} : { longestBackoffSeconds: options.longestBackoffSeconds }),
    onError:
      options.onError ??
      ((error) => {
        throw error;
      }),
  };
  const hasKubelets = options.kubelets !== false;
  const heartbeats = hasKubelets ? startNodeHeartbeats(context) : undefined;
  const ordinary = ordinaryRunner(options.ordinary ?? (() => ({ startMs: reactionMs, stopMs: reactionMs })));
  const runners = [...(options.runners ?? []), ordinary];
  const isStopped = (nodeName: string): boolean => heartbeats?.isStopped(nodeName) ?? true;
  const kubelet = startKubelet(context, { runners, podLogs, isStopped });
  const nodeController = startNodeController(context, isStopped);
  const running = [
    startNamespaceController(context),
    nodeController,
    startScheduler(context),
    startJobController(context),
    startCronJobController(context),
    startDeploymentController(context),
    startReplicaSetController(context),
    startStatefulSetController(context),
    startDaemonSetController(context),
    startDisruptionBudgetController(context),
    startGarbageCollector(context),
    startPodCollector(context, options.mostEndedPods),
  ];
  return {
    trigger: (name, namespace, jobName) => triggerCronJob(store, name, namespace, jobName),
    runScheduled: (name, namespace, at) => runScheduled(store, name, namespace, at),
    killPod: kubelet.killPod,
    stopKubelet: (nodeName) => {
      heartbeats?.stop(nodeName);
      nodeController.enqueue(nodeName);
    },
    startKubelet: (nodeName) => {
      heartbeats?.start(nodeName);
      kubelet.resync(nodeName);
    },
    crashNode: (nodeName) => {
      heartbeats?.stop(nodeName);
      nodeController.enqueue(nodeName);
      kubelet.killNode(nodeName);
    },
    close: () => {
      for (const each of running) each.close();
      kubelet.close();
      heartbeats?.close();
    },
  };
}
