import type { Bundle } from './bundle.ts';
import { bundleContainer, bundleVolume } from './bundle.ts';
import { ACCOUNTS, OBJECT_LABELS, POD_APPS } from './install-object.ts';

interface PodKind {
  readonly role: 'detector' | 'report';
  readonly command: string;
  readonly image: string;
  readonly bundle: Bundle | undefined;
}

/** The detector holds the key to every node, and root on the node that it runs on can read it: better where root can do all that anyway. */
const PREFERS_CONTROL_PLANES = {
  nodeAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [
      {
        weight: 100,
        preference: { matchExpressions: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' }] },
      },
    ],
  },
};

const CREDS = 'k8s-upgrade-creds';

/**
 * Pods of the two CronJobs, hardened as templates/job.yaml. The report gets the webhook alone and neither scripts nor
 * key: it has no business on a node (D15).
 */
export function podTemplate({ role, command, image, bundle }: PodKind): Record<string, unknown> {
  const volumes = volumesOf(role);
  return {
    metadata: { labels: { ...OBJECT_LABELS, app: POD_APPS[role] } },
    spec: {
      serviceAccountName: ACCOUNTS[role],
      automountServiceAccountToken: true,
      restartPolicy: 'Never',
      priorityClassName: 'system-cluster-critical',
      // It talks to the API server alone: no need to know every Service of the namespace.
      enableServiceLinks: false,
      // While the workers are cordoned one after the other, a control plane may be the only place left.
      ...(role === 'detector' ? { affinity: PREFERS_CONTROL_PLANES } : {}),
      tolerations: ['control-plane', 'master'].map((name) => ({
        key: `node-role.kubernetes.io/${name}`,
        operator: 'Exists',
        effect: 'NoSchedule',
      })),
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 65532,
        runAsGroup: 65532,
        fsGroup: 65532,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: 'nightlift',
          image,
          imagePullPolicy: 'IfNotPresent',
          ...(bundle === undefined ? {} : { command: bundleContainer.command }),
          args: [command],
          securityContext: {
            runAsNonRoot: true,
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '384Mi' } },
          volumeMounts: [
            ...volumes.map(({ name, mountPath, writable }) => ({
              name,
              mountPath,
              ...(writable === true ? {} : { readOnly: true }),
            })),
            ...(bundle === undefined ? [] : [bundleContainer.mount]),
          ],
        },
      ],
      volumes: [
        ...volumes.map(({ name, source }) => ({ name, ...source })),
        ...(bundle === undefined ? [] : [bundleVolume]),
      ],
    },
  };
}

interface PodVolume {
  readonly name: string;
  readonly mountPath: string;
  readonly writable?: boolean;
  readonly source: Readonly<Record<string, unknown>>;
}

function volumesOf(role: PodKind['role']): readonly PodVolume[] {
  const configMap = (name: string, mountPath: string, configMapName: string): PodVolume => ({
    name,
    mountPath,
    source: { configMap: { name: configMapName } },
  });
  const secret = (source: Readonly<Record<string, unknown>>): PodVolume => ({
    name: 'creds',
    mountPath: '/secrets/k8s-upgrade',
    // Optional: a pod without its Secret would wait an hour without a word; the program says what is missing.
    source: { secret: { secretName: CREDS, defaultMode: 0o400, optional: true, ...source } },
  });
  const config: PodVolume = {
    name: 'config',
    mountPath: '/config',
    // Optional as the Secret is: without its settings the program stops, and says which file is lost.
    source: { configMap: { name: 'k8s-upgrade-config', optional: true } },
  };
  const tmp: PodVolume = { name: 'tmp', mountPath: '/tmp', writable: true, source: { emptyDir: {} } };
  if (role === 'report') {
    return [config, secret({ items: [{ key: 'slack_webhook', path: 'slack_webhook' }] }), tmp];
  }
  return [
    config,
    configMap('scripts', '/scripts', 'k8s-upgrade-scripts'),
    configMap('template', '/template', 'k8s-upgrade-job-template'),
    secret({}),
    tmp,
  ];
}
