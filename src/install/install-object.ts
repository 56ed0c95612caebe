/** A Kubernetes object as it is applied: plain data, nothing that only a server fills in. */
export interface InstallObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** On every object, so that all of them can be listed: `kubectl get all,cm,sa -l app.kubernetes.io/name=nightlift`. */
export const OBJECT_LABELS = { 'app.kubernetes.io/name': 'nightlift' } as const;

/** Accounts, each with no more than its Jobs need. The ClusterRole, Roles and bindings have the account's name; where etcd snapshots are made, with `-snapshot`. */
export const ACCOUNTS = {
  phase: 'k8s-upgrade-job',
  detector: 'k8s-upgrade-check',
  report: 'k8s-upgrade-report',
} as const;

/** Values of the label `app` of our pods; those of the chain are also in templates/job.yaml. */
export const POD_APPS = {
  phase: 'k8s-upgrade-chain',
  detector: 'k8s-version-upgrade',
  report: 'k8s-upgrade-nightly-report',
} as const;
