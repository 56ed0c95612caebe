import { z } from 'zod';
import { name, notes, seconds } from './field.ts';

export const WorkloadSetting = z.strictObject({
  kind: z
    .enum(['Deployment', 'StatefulSet'])
    .default('Deployment')
    .meta(notes('Kind of the workload.', { reason: 'Most operators are Deployments.' })),
  namespace: name.meta(notes('Its namespace.', { reason: 'There is none that fits.' })),
  name: name.meta(notes('Its name.', { reason: 'There is none that fits.' })),
});

export const DrainPolicy = z.strictObject({
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

export const Drain = z.strictObject({
  mode: z
    .enum(['always', 'patch-without'])
    .default('always')
    .meta(
      notes(
        "`patch-without` cordons a node and does not drain it where its kubelet and control plane change within their minor: its pods keep running while the kubelet restarts, and those whose probes fail meanwhile are restarted. A minor, and a control plane whose containerd is raised, are drained all the same. It is also the one way to upgrade a cluster in which no other node can run a node's Job, as one of a single node: there, nothing is cordoned either.",
        {
          reason:
            'A drained node has nothing to lose when its upgrade goes wrong; without a drain its pods are what is risked.',
        },
      ),
    ),
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
  stuckPods: z
    .enum(['refuse', 'warn'])
    .default('refuse')
    .meta(
      notes(
        'What to do before a run about pods that have been terminating for more than five minutes longer than their grace period. The step of their node refuses before its cordon in any case.',
        { reason: 'Their node cannot be drained, and a run that is sure to stop half-way is better not begun.' },
      ),
    ),
  awaitReplacements: seconds(
    300,
    'How long pods of Deployments and StatefulSets that are Pending are waited for when a node is back in service, before the next one goes; then the run stops. 0 = they are not waited for. What was not ready before the run does not count.',
    'What one node has lost is back before another one is emptied.',
  ),
  markPending: z
    .strictObject({
      preferNoSchedule: z
        .boolean()
        .default(false)
        .meta(
          notes(
            'Put a taint `nightlift/pending:PreferNoSchedule` (with `annotationPrefix`) on all workers that still have to go, from preflight until each is back in service: a pod that is evicted goes to an upgraded node where one has room, and moves once.',
            { reason: 'It changes where pods are placed; without an upgraded node with room it changes nothing.' },
          ),
        ),
      excludeFromLoadBalancers: z
        .boolean()
        .default(false)
        .meta(
          notes(
            'Put the label `node.kubernetes.io/exclude-from-external-load-balancers` on a node before its drain, until it is back in service. A label that is there already stays.',
            { reason: 'It takes a node out of every external load balancer, which two nodes may not afford.' },
          ),
        ),
      loadBalancerSeconds: seconds(
        30,
        'How long load balancers have to take the node out, between the label and the drain.',
        'A service controller hears of the label at once, and most providers need some seconds.',
      ),
    })
    .prefault({}),
  policies: z
    .array(DrainPolicy)
    .default([])
    .meta(
      notes(
        'What to do about pods that a PodDisruptionBudget keeps from going. `delete-after` needs the permission of `deploy/delete-pods`, `restart-owner` those of `deploy/patch-workloads`.',
        {
          reason: 'Nothing goes around a budget unless somebody has said so.',
        },
      ),
    ),
});
