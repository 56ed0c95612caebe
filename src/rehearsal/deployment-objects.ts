import { installObjects } from '../install/install-objects.ts';
import { readInstallTemplates } from '../install/install-templates.ts';
import type { CronJob, KubeObject, NewObject, PodSpec } from './api/kinds.ts';
import { configMaps, cronJobs, resourceOf, secrets } from './api/resources.ts';
import type { Store } from './api/store.ts';

export const NAMESPACE = 'k8s-upgrade';
/** The image of Nightlift in a rehearsal: its containers are processes of the bundled program. */
export const OWN_IMAGE = 'nightlift:rehearsal';
export const SNAPSHOT_IMAGE = 'etcd-backup:rehearsal';
const SNAPSHOT_NAMESPACE = 'default';

export interface DeploymentOptions {
  /** templates/ */
  readonly templatesDir: string;
  /** Text of config.yaml. */
  readonly settings: string;
  /** Text of the operator's addon matrix, when the settings name one. */
  readonly matrix?: string;
  readonly secrets: Readonly<Record<'ssh_key' | 'known_hosts' | 'slack_webhook', string>>;
}

/** What an installation leaves in a cluster, object by object as deploy/ has it, and what it asks of the user: Secret and backup CronJob. */
export function createDeploymentObjects(store: Store, options: DeploymentOptions): void {
  const templates = readInstallTemplates(options.templatesDir);
  for (const object of installObjects({ templates, config: options.settings, image: OWN_IMAGE })) {
    const resource = resourceOf(object.apiVersion, object.kind);
    if (resource === undefined)
      throw new Error(`The embedded API server has no ${object.kind} of ${object.apiVersion}`);
    store.create(resource, object as unknown as NewObject<KubeObject>);
  }
  const { matrix } = options;
  if (matrix !== undefined) {
    store.modify(configMaps, 'k8s-upgrade-config', NAMESPACE, (draft) => {
      draft.data = { ...draft.data, 'addons.yaml': matrix };
    });
  }
  store.create(secrets, {
    metadata: { name: 'k8s-upgrade-creds', namespace: NAMESPACE },
    stringData: { ...options.secrets },
  });
  store.create(cronJobs, snapshotCronJob());
}

function snapshotCronJob(): NewObject<CronJob> {
  const spec: PodSpec = {
    restartPolicy: 'Never',
    tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
    containers: [{ name: 'backup', image: SNAPSHOT_IMAGE }],
  };
  return {
    metadata: { name: 'backup-etcd', namespace: SNAPSHOT_NAMESPACE },
    spec: {
      schedule: '0 2 * * *',
      concurrencyPolicy: 'Forbid',
      jobTemplate: { spec: { backoffLimit: 1, ttlSecondsAfterFinished: 86_400, template: { spec } } },
    },
    status: {},
  };
}
