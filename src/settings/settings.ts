import { z } from 'zod';
import { AcceptedRisk } from './accepted-risk.ts';
import { Alerting } from './alerting.ts';
import { Drain, WorkloadSetting } from './drain.ts';
import { name, notes } from './field.ts';
import { Job } from './job.ts';
import { Kubeadm } from './kubeadm.ts';
import { Nodes, Packages, Ssh } from './nodes.ts';
import { Promotion } from './promotion.ts';
import { Rollout } from './rollout.ts';
import { Smoke } from './smoke.ts';
import { Snapshot } from './snapshot.ts';
import { Target } from './target.ts';
import { Triggers } from './triggers.ts';
import { Waits } from './waits.ts';
import { Window } from './window.ts';

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
    sayNewBlocksAtOnce: z
      .boolean()
      .default(true)
      .meta(
        notes(
          'Send a message at once when the detection is refused by something that somebody can act on and that was not there the night before; else only the morning tells it.',
          { reason: 'Seven hours earlier is a night that can still be saved, and what is known is not said twice.' },
        ),
      ),
    nodes: Nodes.prefault({}),
    target: Target.prefault({}),
    promotion: Promotion.prefault({}),
    window: Window.nullable()
      .default(null)
      .meta(
        notes('Hours in which a run may act; none = always.', {
          reason: 'The CronJob starts at 23:00 UTC and the chain ends by itself.',
        }),
      ),
    waits: Waits.prefault({}),
    triggers: Triggers.prefault({}),
    smoke: Smoke.prefault({}),
    kubeadm: Kubeadm.prefault({}),
    snapshot: Snapshot.prefault({}),
    drain: Drain.prefault({}),
    quiesce: z
      .array(WorkloadSetting)
      .default([])
      .meta(
        notes(
          'Workloads that are scaled to zero while a control plane is upgraded, and restored after it. Needs the permissions of `deploy/patch-workloads`.',
          {
            reason: 'Operators that crash when the API server goes away.',
          },
        ),
      ),
    oidcRestore: z
      .strictObject({
        sha256: z
          .string()
          .regex(/^([0-9a-fA-F]{64})?$/, 'give a SHA-256 as 64 hexadecimal digits, or nothing')
          .default('')
          .meta(
            notes(
              'SHA-256 of `restore.sh` of ConfigMap `kube-system/apiserver-oidc-restore`, which is then run as root on a control plane after its upgrade; empty = it is not run.',
              { reason: 'Whoever may write a ConfigMap in kube-system would be root otherwise.' },
            ),
          ),
      })
      .prefault({}),
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
        takeLock: z
          .boolean()
          .default(false)
          .meta(
            notes(
              "Hold kured's lock, every place of it, from preflight to the end of the run, so that kured restarts no node meanwhile.",
              {
                reason:
                  'It needs a permission of its own on that DaemonSet, and without it the lock is respected all the same.',
              },
            ),
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
            notes(
              'Your own addon matrix, merged over the built-in one: another key of ConfigMap `k8s-upgrade-config`, a file beside the settings file. Empty: `addons.yaml`, where there is one; what is named has to be there.',
              { reason: 'Data gets old faster than programs.' },
            ),
          ),
      })
      .prefault({}),
    acceptedRisks: z
      .array(AcceptedRisk)
      .default([])
      .meta(
        notes(
          'Findings of the gate that refuse, and are accepted by name, for one target and until a day: they warn meanwhile. `nightlift gate --accept-yaml` prints them.',
          { reason: 'Nothing is accepted by itself.' },
        ),
      ),
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
    rollout: Rollout.prefault({}),
    job: Job.prefault({}),
  })
  .superRefine(({ oidcRestore, ssh }, { addIssue }) => {
    if (ssh.access === 'upgrade-only' && oidcRestore.sha256 !== '')
      addIssue({
        code: 'custom',
        path: ['oidcRestore', 'sha256'],
        message: 'a script of the cluster cannot run with ssh.access: upgrade-only; leave one of the two away',
      });
  })
  .superRefine(({ drain, waits }, { addIssue }) => {
    for (const [index, { action, afterSeconds }] of drain.policies.entries()) {
      if (action !== 'delete-after' || afterSeconds < waits.drainSeconds) continue;
      const message = `the drain has ended by then: give less than waits.drainSeconds (${waits.drainSeconds})`;
      addIssue({ code: 'custom', path: ['drain', 'policies', index, 'afterSeconds'], message });
    }
  });

export type Settings = z.infer<typeof Settings>;
