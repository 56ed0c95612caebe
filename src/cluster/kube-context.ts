import type { Clock } from '../clock.ts';
import type { KubeClient } from './kube-client.ts';

/** What every part of the adapter is given. */
export interface KubeContext {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Namespace of our own objects. */
  readonly namespace: string;
  readonly keys: RecordKeys;
  /** Labels of workers that are left out; empty leaves out none. */
  readonly excludedNodes: Readonly<Record<string, string>>;
}

/** Annotations and the label by which we write down what we change. */
export interface RecordKeys {
  readonly cordonedBy: string;
  /** On a Node: the target of a step that was begun and has not ended. */
  readonly unfinished: string;
  /** On a Node: target and time of the step that has ended well. */
  readonly finished: string;
  /** On a Node: target and night of the step that has failed for good while others went on, and why. */
  readonly failed: string;
  /** On a Node, beside `unfinished`: since when budgets have held its pods back. */
  readonly heldSince: string;
  /** On a Node: since when our taint `pending` is on it. */
  readonly pendingSince: string;
  /** Key of that taint. */
  readonly pending: string;
  /** On a Node: since when our label keeps it out of external load balancers. */
  readonly excludedSince: string;
  readonly replicasBefore: string;
  /** Label, value 'true': workloads that carry `replicasBefore`, so that they can be listed. */
  readonly quiesced: string;
  /** Label, value 'true': records of runs. */
  readonly record: string;
  /** On a Job: the node that it upgrades. */
  readonly node: string;
  /** On a Job that was made of a CronJob: the run that made it. */
  readonly run: string;
}

export function recordKeys(prefix: string): RecordKeys {
  return {
    cordonedBy: `${prefix}/cordoned-by`,
    unfinished: `${prefix}/unfinished`,
    finished: `${prefix}/finished`,
    failed: `${prefix}/failed`,
    heldSince: `${prefix}/held-since`,
    pendingSince: `${prefix}/pending-since`,
    pending: `${prefix}/pending`,
    excludedSince: `${prefix}/excluded-since`,
    replicasBefore: `${prefix}/replicas-before`,
    quiesced: `${prefix}/quiesced`,
    record: `${prefix}/run-record`,
    node: `${prefix}/node`,
    run: `${prefix}/run`,
  };
}
