import { z } from 'zod';
import { isMinor, parseVersion } from './version.ts';

/** What a field's documentation adds to its description: why the default is what it is, and the unit of a number. */
interface FieldNotes {
  readonly unit?: string;
  readonly reason: string;
}

const notes = (description: string, more: FieldNotes) => ({ description, ...more });

const seconds = (fallback: number, description: string, reason: string) =>
  z
    .number()
    .nonnegative()
    .default(fallback)
    .meta(notes(description, { unit: 'seconds', reason }));

const stringList = (fallback: string[], description: string, reason: string) =>
  z.array(z.string().min(1)).default(fallback).meta(notes(description, { reason }));

const version = z.string().refine((text) => parseVersion(text) === text, 'give a version in full, for example 1.36.4');
const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'give a time of day as HH:MM, for example 23:00');
const name = z.string().min(1).max(253);

const Packages = z.strictObject({
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .default('https://pkgs.k8s.io/core:/stable:')
    .meta(
      notes('Where the package repositories of all minors stand, without the minor: `<baseUrl>/v1.36/deb/`.', {
        reason: 'The community repository; a mirror has the same layout.',
      }),
    ),
  redirectHosts: stringList(
    ['prod-cdn.packages.k8s.io'],
    'Hosts (with port when it is not the usual one) to which `baseUrl` may redirect.',
    'pkgs.k8s.io only redirects; a redirect to any other host is refused.',
  ),
  keyFingerprints: stringList(
    ['DE15B14486CD377B9E876E1A234654DA9A296436'],
    'OpenPGP fingerprints of which the repository key must have one; an empty list trusts the key on first use.',
    'One key signs all minors of the community repository; a key fetched anew each time proves nothing (D14).',
  ),
  timeoutSeconds: seconds(
    30,
    'Deadline of one request to the package feed.',
    'A feed that hangs must not eat the night.',
  ),
  lockTimeoutSeconds: seconds(
    300,
    'How long apt-get waits on a node for a lock that another program holds.',
    'unattended-upgrades takes the lock at random times.',
  ),
  keyWarnDays: z
    .number()
    .nonnegative()
    .default(30)
    .meta(
      notes('Warn when the repository key expires within this time.', {
        unit: 'days',
        reason: 'Long enough to find out who extends it.',
      }),
    ),
  freeMegabytes: z
    .number()
    .int()
    .nonnegative()
    .default(1024)
    .meta(
      notes('Space that must be free on a node before anything is fetched.', {
        unit: 'MB',
        reason: 'Packages, images, and the copy of etcd that kubeadm makes.',
      }),
    ),
});

const Ssh = z.strictObject({
  user: name.default('nightlift').meta(
    notes('User on every node, with NOPASSWD sudo; `root` needs no sudo.', {
      reason: 'An account of its own can be removed and audited.',
    }),
  ),
  port: z
    .number()
    .int()
    .min(1)
    .max(65535)
    .default(22)
    .meta(notes('Port of sshd on every node.', { reason: 'The usual port.' })),
  keyFile: z
    .string()
    .default('/secrets/k8s-upgrade/ssh_key')
    .meta(notes('Private key file.', { reason: 'Where the Secret k8s-upgrade-creds is mounted.' })),
  knownHostsFile: z
    .string()
    .default('/secrets/k8s-upgrade/known_hosts')
    .meta(
      notes('Pinned host keys in the format of known_hosts, by InternalIP.', {
        reason: 'A host key that is not pinned is refused (D15).',
      }),
    ),
  hostKeys: z
    .enum(['pinned', 'accept-new-in-memory'])
    .default('pinned')
    .meta(
      notes(
        '`pinned` refuses unknown host keys; `accept-new-in-memory` trusts each key that it meets first, for one process.',
        { reason: 'Whoever can answer for a node would get the key to run commands as root.' },
      ),
    ),
  connectTimeoutSeconds: seconds(
    20,
    'Deadline for connecting to a node.',
    'A node that does not answer within this is down.',
  ),
});

const Alerting = z.strictObject({
  prometheusUrl: z
    .string()
    .default('')
    .meta(
      notes('Base URL of Prometheus; empty = none, which halts unless `required` is false.', {
        reason: 'There is no address that fits every cluster.',
      }),
    ),
  required: z
    .boolean()
    .default(true)
    .meta(notes('Halt when Prometheus cannot be asked.', { reason: 'Silence is not health (D01).' })),
  severities: stringList(
    ['critical'],
    'Alerts of these severities halt an upgrade.',
    'A warning alone should not stop security patches.',
  ),
  ignore: stringList(
    [],
    'Names (regular expressions, anchored) of alerts that never halt.',
    "Known noise; the chain's own alerts are always ignored (I21).",
  ),
  selfInflicted: stringList(
    ['RecentNodeReboot', 'KubeletDown', 'KubeNodeNotReady', 'KubeNodeUnreachable'],
    'Alerts ignored between two steps of one run, but not before its first change.',
    "A run's own restarts trip them (I04).",
  ),
  lookbackHours: z
    .number()
    .positive()
    .default(168)
    .meta(
      notes('How far back the use of deprecated APIs is looked for.', {
        unit: 'hours',
        reason: 'The metric forgets at every restart of an API server (D09).',
      }),
    ),
});

const Target = z.strictObject({
  ceiling: z
    .string()
    .refine(
      (text) => text === '' || isMinor(text) || parseVersion(text) === text,
      'give a minor (1.36) or a version (1.36.4)',
    )
    .default('')
    .meta(
      notes('Newest minor or version that is ever taken by itself; empty = no ceiling.', {
        reason: 'None by default: the gate decides.',
      }),
    ),
  skip: z
    .array(version)
    .default([])
    .meta(notes('Versions that are never taken.', { reason: 'For a release known to be bad.' })),
  minimumAgeHours: z
    .number()
    .nonnegative()
    .default(0)
    .meta(
      notes('A version is taken only when the detector has known it this long.', {
        unit: 'hours',
        reason: 'Patches are wanted the same night; raise it to let others find the bugs.',
      }),
    ),
  firstPatchOfMinor: z
    .number()
    .int()
    .nonnegative()
    .default(1)
    .meta(
      notes('First patch of a new minor that is taken: 1 leaves x.y.0 alone.', {
        reason: 'An x.y.0 on the night that it appears is a risk nobody asked for (D05).',
      }),
    ),
});

const Window = z.strictObject({
  start: clockTime.meta(notes('Start of the window, UTC.', { reason: 'No window by default: the CronJob decides.' })),
  end: clockTime.meta(
    notes(
      'Hard end of the window, UTC: no step starts and every wait ends (a node that is being changed is finished first).',
      { reason: 'Morning traffic must not meet a drain.' },
    ),
  ),
});

const Waits = z.strictObject({
  pollSeconds: z
    .number()
    .positive()
    .default(5)
    .meta(
      notes('How often a wait looks again.', {
        unit: 'seconds',
        reason: 'Often enough for people, seldom enough for the API server.',
      }),
    ),
  settleSeconds: seconds(
    600,
    'No node may have changed its Ready condition within this time before a run.',
    'A reboot that has just happened is not a quiet baseline.',
  ),
  soakSeconds: seconds(
    600,
    'How long a worker is watched after its upgrade, under halt-on-alert.',
    'Most bad upgrades show within ten minutes.',
  ),
  drainSeconds: seconds(
    1800,
    'Deadline of a drain; after it the node is uncordoned and the run stops.',
    'A budget that blocks for half an hour wants a person.',
  ),
  readySeconds: seconds(900, 'Deadline for a node to be Ready with the new version.', 'As in the runbook.'),
  alertSeconds: seconds(
    1800,
    'How long a worker step waits for alerts to clear before it halts.',
    'As in the runbook.',
  ),
  snapshotSeconds: seconds(600, 'Deadline of the etcd snapshot Job.', 'As in the runbook.'),
  apiSeconds: seconds(
    900,
    'How long an API server that is away is waited for.',
    'A single control plane takes its API server away while it is upgraded.',
  ),
  lockSeconds: z
    .number()
    .positive()
    .default(60)
    .meta(
      notes('How long the lock of a Job that was killed keeps another one waiting.', {
        unit: 'seconds',
        reason: 'A retry of the same Job does not wait; three missed renewals are a dead holder.',
      }),
    ),
});

const Kubeadm = z.strictObject({
  ignorePreflightErrors: stringList(
    ['CoreDNSMigration', 'CoreDNSUnsupportedPlugins'],
    'Checks given to `--ignore-preflight-errors`.',
    'CoreDNS is left alone, so its checks say nothing (I09).',
  ),
  skipPhases: stringList(
    ['addon/coredns'],
    'Phases given to `--skip-phases`.',
    'kubeadm would overwrite a custom Corefile and downgrade the image (I09).',
  ),
  timeoutSeconds: seconds(
    4500,
    'Hard limit of the node script, kubeadm included.',
    'kubeadm itself may take up to an hour; it must not be killed between two manifests.',
  ),
  droppedFlags: z
    .enum(['warn', 'block'])
    .default('warn')
    .meta(
      notes('What to do when `kubeadm upgrade diff` would drop a flag of a control plane component.', {
        reason: 'Single sign-on breaks and can be repaired; the upgrade is not unsafe (I18).',
      }),
    ),
  backupDays: z
    .number()
    .positive()
    .default(3)
    .meta(
      notes('Backups in /etc/kubernetes/tmp older than this are removed before a run.', {
        unit: 'days',
        reason: 'kubeadm copies etcd there at every upgrade and never cleans up (I17).',
      }),
    ),
});

const Snapshot = z.strictObject({
  cronJob: z
    .string()
    .default('backup-etcd')
    .meta(
      notes('CronJob from which the etcd snapshot Job is made; empty, or not in the cluster = `own` decides.', {
        reason: 'As in the runbook.',
      }),
    ),
  namespace: name.default('default').meta(notes('Namespace of that CronJob.', { reason: 'As in the runbook.' })),
  own: z
    .boolean()
    .default(true)
    .meta(
      notes(
        'Without that CronJob, take the snapshot over SSH on the first control plane that is Ready; false = take none then.',
        { reason: 'A cluster of kubeadm has all that it needs, and a snapshot is better than a refusal.' },
      ),
    ),
  directory: z
    .string()
    .regex(/^(?!.*\/\.\.?(\/|$))(\/[\w.-]+)+$/, 'give an absolute path of letters, digits, "_", "-" and "."')
    .default('/var/lib/nightlift/snapshots')
    .meta(
      notes('Directory of own snapshots on the node, made with mode 0700.', {
        reason: 'A snapshot has every Secret of the cluster in it.',
      }),
    ),
  keep: z
    .number()
    .int()
    .min(1)
    .default(3)
    .meta(
      notes('How many own snapshots stay on a node.', {
        unit: 'snapshots',
        reason: 'Two nights to notice that something is wrong; older data is of little use to a cluster.',
      }),
    ),
  restoreProof: z
    .enum(['auto', 'off'])
    .default('auto')
    .meta(
      notes(
        '`auto` restores an own snapshot beside it, starts an etcd from it on loopback and counts its keys, when three times the size of etcd is free; `off` leaves that out.',
        { reason: 'Only a snapshot that was restored once is known to be restorable (D21).' },
      ),
    ),
  required: z
    .boolean()
    .default(true)
    .meta(notes('Refuse to start without a verified snapshot.', { reason: 'etcd cannot be rolled back without one.' })),
  minimumBytes: z
    .number()
    .int()
    .nonnegative()
    .default(1024)
    .meta(
      notes('A smaller snapshot counts as failed.', {
        unit: 'bytes',
        reason: 'As in the runbook; an empty file is not a backup.',
      }),
    ),
});

const WorkloadSetting = z.strictObject({
  kind: z
    .enum(['Deployment', 'StatefulSet'])
    .default('Deployment')
    .meta(notes('Kind of the workload.', { reason: 'Most operators are Deployments.' })),
  namespace: name.meta(notes('Its namespace.', { reason: 'There is none that fits.' })),
  name: name.meta(notes('Its name.', { reason: 'There is none that fits.' })),
});

const DrainPolicy = z.strictObject({
  namespace: name.meta(notes('Namespace of the budget.', { reason: 'There is none that fits.' })),
  budget: z
    .string()
    .default('')
    .meta(
      notes('Name of the budget; empty = every budget of the namespace that has no policy of its own.', {
        reason: 'A team has one answer for all that it runs, more often than not.',
      }),
    ),
  action: z
    .enum(['wait', 'restart-owner', 'delete-after', 'give-up'])
    .meta(
      notes(
        '`wait` asks until `waits.drainSeconds` and then gives up; `restart-owner` rolls the Deployment of one replica behind the pod, so that its next pod is Ready elsewhere first; `delete-after` deletes the pod around the budget after `afterSeconds`, with its grace period; `give-up` ends the drain at once.',
        { reason: 'Waiting, as without a policy, needs none.' },
      ),
    ),
  afterSeconds: seconds(
    600,
    'How long a pod is blocked before `delete-after` deletes it; must be less than `waits.drainSeconds`.',
    'Long enough for a replacement that is only slow.',
  ),
});

export type DrainPolicy = z.infer<typeof DrainPolicy>;

const Drain = z.strictObject({
  deleteEmptyDir: z
    .boolean()
    .default(true)
    .meta(
      notes('Evict pods with an emptyDir, whose content goes with them.', {
        reason: 'As `kubectl drain --delete-emptydir-data`, which the runbook uses; false refuses the drain.',
      }),
    ),
  deleteBarePods: z
    .boolean()
    .default(true)
    .meta(
      notes('Evict pods without an owner, which nothing re-creates.', {
        reason: 'As `kubectl drain --force`, which the runbook uses; false refuses the drain.',
      }),
    ),
  parallel: z
    .number()
    .int()
    .min(1)
    .default(10)
    .meta(
      notes('Evictions in flight at a time.', {
        reason: 'Bounded, so that a node with many pods does not flood the API server.',
      }),
    ),
  headroom: z
    .enum(['refuse', 'warn', 'off'])
    .default('refuse')
    .meta(
      notes(
        "What to do when the node's pods cannot all run on the other nodes meanwhile; looked at before the node is cordoned.",
        { reason: 'Pods without a place are an outage that begins with the drain; `warn` suits an autoscaler.' },
      ),
    ),
  policies: z
    .array(DrainPolicy)
    .default([])
    .meta(
      notes('What to do about pods that a PodDisruptionBudget keeps from going.', {
        reason: 'Nothing goes around a budget unless somebody has said so.',
      }),
    ),
});

const Job = z.strictObject({
  image: z
    .string()
    .default('')
    .meta(
      notes('Image of the chain Jobs; empty = the image of the CronJob k8s-version-check.', {
        reason: 'Detector and chain are the same program.',
      }),
    ),
  deadlineSeconds: seconds(
    14400,
    'activeDeadlineSeconds of a chain Job.',
    'Longer than the longest step: a Job ended in the middle of kubeadm helps nobody (D24).',
  ),
  retries: z
    .number()
    .int()
    .min(0)
    .default(3)
    .meta(
      notes('backoffLimit of a chain Job.', {
        reason:
          'A killed pod is started again and goes on; a failure that was understood (exit code 3) is not repeated (D24).',
      }),
    ),
});

/** The whole settings file. Every field has a default, so an empty file is a valid one. */
export const Settings = z
  .strictObject({
    namespace: name
      .default('k8s-upgrade')
      .meta(notes('Namespace of everything that Nightlift keeps in the cluster.', { reason: "The runbook's name." })),
    annotationPrefix: name.default('nightlift').meta(
      notes('Prefix of the annotations and labels that Nightlift writes.', {
        reason: 'Neutral; set it to your domain to keep existing dashboards.',
      }),
    ),
    dryRun: z
      .boolean()
      .default(false)
      .meta(
        notes('Detect and gate, but start nothing.', { reason: 'Detection without upgrade, as the runbook has it.' }),
      ),
    packages: Packages.prefault({}),
    ssh: Ssh.prefault({}),
    alerts: Alerting.prefault({}),
    pushgatewayUrl: z
      .string()
      .default('')
      .meta(
        notes('Base URL of the Pushgateway; empty = metrics are not pushed.', {
          reason: 'There is no address that fits every cluster.',
        }),
      ),
    slackWebhookFile: z
      .string()
      .default('/secrets/k8s-upgrade/slack_webhook')
      .meta(
        notes('File with the Slack webhook URL; a missing file = messages go to the log only.', {
          reason: 'Where the Secret k8s-upgrade-creds is mounted.',
        }),
      ),
    target: Target.prefault({}),
    window: Window.nullable()
      .default(null)
      .meta(
        notes('Hours in which a run may act; none = always.', {
          reason: 'The CronJob starts at 23:00 UTC and the chain ends by itself.',
        }),
      ),
    waits: Waits.prefault({}),
    kubeadm: Kubeadm.prefault({}),
    snapshot: Snapshot.prefault({}),
    drain: Drain.prefault({}),
    quiesce: z
      .array(WorkloadSetting)
      .default([])
      .meta(
        notes('Workloads that are scaled to zero while a control plane is upgraded, and restored after it.', {
          reason: 'Operators that crash when the API server goes away.',
        }),
      ),
    kured: z
      .strictObject({
        namespace: name.default('kube-system').meta(notes('Namespace of kured.', { reason: "kured's default." })),
        daemonSet: z
          .string()
          .default('kured')
          .meta(notes('DaemonSet of kured; empty = its lock is not looked at.', { reason: "kured's default." })),
        annotation: z
          .string()
          .default('weave.works/kured-node-lock')
          .meta(
            notes('Annotation in which kured keeps its lock (`--lock-annotation`).', { reason: "kured's default." }),
          ),
      })
      .prefault({}),
    containerd: z
      .strictObject({
        raise: z
          .boolean()
          .default(true)
          .meta(
            notes("Raise a control plane's containerd to the workers' version when it is behind.", {
              reason: 'As in the runbook; done after the drain (D22).',
            }),
          ),
      })
      .prefault({}),
    addons: z
      .strictObject({
        untested: z
          .enum(['block', 'warn'])
          .default('block')
          .meta(
            notes(
              'What to do when a minor is beyond what an addon was *tested* with, and nothing says that it is unsupported.',
              {
                reason: 'As in the runbook; many projects list only what their own tests run on.',
              },
            ),
          ),
        matrixFile: z
          .string()
          .default('')
          .meta(
            notes('Your own addon matrix, merged over the built-in one.', {
              reason: 'Data gets old faster than programs.',
            }),
          ),
      })
      .prefault({}),
    budgets: z
      .enum(['warn', 'block'])
      .default('warn')
      .meta(
        notes('What to do before a run about a PodDisruptionBudget that can never allow a disruption.', {
          reason: 'The drain waits, then gives up without harm; blocking every patch would be worse.',
        }),
      ),
    postflight: z
      .strictObject({
        clusterDomain: name
          .default('cluster.local')
          .meta(notes('DNS domain of the cluster.', { reason: "kubeadm's default (networking.dnsDomain)." })),
        podReadyRatio: z
          .number()
          .min(0)
          .max(1)
          .default(0.9)
          .meta(
            notes('Least share of ready pods for a run to count as complete.', {
              unit: '0 to 1',
              reason: 'As in the runbook; below it the run fails (D23).',
            }),
          ),
      })
      .prefault({}),
    job: Job.prefault({}),
  })
  .superRefine(({ drain, waits }, { addIssue }) => {
    for (const [index, { action, afterSeconds }] of drain.policies.entries()) {
      if (action !== 'delete-after' || afterSeconds < waits.drainSeconds) continue;
      const message = `the drain has ended by then: give less than waits.drainSeconds (${waits.drainSeconds})`;
      addIssue({ code: 'custom', path: ['drain', 'policies', index, 'afterSeconds'], message });
    }
  });

export type Settings = z.infer<typeof Settings>;
