import { createHash } from 'node:crypto';
import { jobImage } from '../../chain/ensure-job.ts';
import type { Context } from '../../chain/phase.ts';
import { stepName } from '../../chain/step.ts';
import type { JobManifest, PodFact } from '../../cluster/cluster.ts';
import { reasonOf } from '../../errors.ts';
import { hostPort } from '../../host-port.ts';
import { fetchText } from '../../http/fetch-text.ts';
import { CHAIN_SELECTOR } from '../../observe/chain-jobs.ts';
import { PROBE_PORT, PROBE_PROGRAM } from './probe-program.ts';

/** Nodes of which the scheduler chooses one for a pod. */
export type ProbePlace =
  | { readonly node: string }
  /** value null: nodes without the label. */
  | { readonly label: string; readonly value: string | null };

export interface Probe {
  readonly place: ProbePlace;
  /** undefined: the Job controller has not made it yet. */
  readonly pod: PodFact | undefined;
}

const APP = 'k8s-upgrade-probe';
/** A probe that nobody has removed ends by itself, and so do its Job and its pod. */
const SECONDS_BESIDE = 600;
const REACH_MS = 5000;
const REMOVE_MS = 60_000;

const short = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 10);
/** Of this step: two steps that are at work at once have each their own. */
const ownLabel = ({ step, target }: Context): string => short(`${stepName(step)} ${target}`);

export function describePlace(place: ProbePlace): string {
  if ('node' in place) return place.node;
  return place.value === null ? `a node without ${place.label}` : `a node with ${place.label}=${place.value}`;
}

/** Makes a pod for each place that has none, and gives what there is of them now. */
export async function probesAt(context: Context, places: readonly ProbePlace[]): Promise<readonly Probe[]> {
  const { deps, signal } = context;
  const { namespace } = deps.settings;
  const own = `app=${APP},for=${ownLabel(context)}`;
  const jobs = new Map((await deps.cluster.jobs(own, signal)).map((job) => [job.name, job]));
  const named = places.map((place) => ({ place, name: nameOf(context, place) }));
  let owner: PodFact | undefined;
  let image: string | undefined;
  for (const { place, name } of named) {
    const job = jobs.get(name);
    if (job?.status === 'active') continue;
    // Of an earlier try, whose time was over.
    if (job !== undefined) await deps.cluster.deleteJob(name, signal, undefined, job.createdAt);
    owner ??= await ownPod(context);
    image ??= deps.settings.smoke.image || (await jobImage(deps, signal));
    await deps.cluster.createJob(probeJob(context, { place, name, image, owner }), signal);
  }
  const pods = await deps.cluster.pods({ namespace, labels: own }, signal);
  return named.map(({ place, name }) => ({
    place,
    pod: pods.find((pod) => pod.owner?.name === name && !pod.deleting),
  }));
}

/** Why there is no answer from the probe, or from one probe to another; undefined when there is. */
export async function whyNotReached(address: string, signal: AbortSignal, peer?: string): Promise<string | undefined> {
  const url = `http://${hostPort(address, PROBE_PORT)}/${peer === undefined ? '' : `?peer=${encodeURIComponent(peer)}`}`;
  try {
    const { status, body } = await fetchText(url, { signal, deadlineMs: REACH_MS, maxBytes: 10_000 });
    return status === 200 ? undefined : `HTTP ${status}: ${body.slice(0, 200)}`;
  } catch (error) {
    signal.throwIfAborted();
    return reasonOf(error);
  }
}

/**
 * Those of this step, or of every one. What cannot be removed is said and stops nothing: it ends by itself, and the
 * next step that looks removes it. Also when the step is stopped, which its own signal says.
 */
export async function removeProbes(context: Context, which: 'own' | 'all'): Promise<void> {
  const { cluster, log } = context.deps;
  const signal = AbortSignal.timeout(REMOVE_MS);
  try {
    const selector = which === 'all' ? `app=${APP}` : `app=${APP},for=${ownLabel(context)}`;
    const jobs = await cluster.jobs(selector, signal);
    await Promise.all(jobs.map(({ name, createdAt }) => cluster.deleteJob(name, signal, undefined, createdAt)));
  } catch (error) {
    log.warn('probe pods could not be removed; they end by themselves', { error: reasonOf(error) });
  }
}

function nameOf(context: Context, place: ProbePlace): string {
  return `${APP}-${ownLabel(context)}-${short(JSON.stringify(place))}`;
}

/** The pod that this process is, so that the garbage collector takes the probes with it. */
async function ownPod({ deps, signal }: Context): Promise<PodFact | undefined> {
  const pods = await deps.cluster.pods({ namespace: deps.settings.namespace, labels: CHAIN_SELECTOR }, signal);
  return pods.find(({ name }) => name === deps.identity);
}

interface ProbeJob {
  readonly place: ProbePlace;
  readonly name: string;
  readonly image: string;
  readonly owner: PodFact | undefined;
}

function probeJob(context: Context, { place, name, image, owner }: ProbeJob): JobManifest {
  const { settings } = context.deps;
  const labels = { app: APP, for: ownLabel(context) };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      namespace: settings.namespace,
      labels,
      ...(owner === undefined
        ? {}
        : { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: owner.name, uid: owner.uid }] }),
    },
    spec: {
      activeDeadlineSeconds: Math.ceil(settings.waits.readySeconds + settings.waits.soakSeconds + SECONDS_BESIDE),
      ttlSecondsAfterFinished: 60,
      backoffLimit: 0,
      template: {
        metadata: { labels },
        spec: {
          // For its pull secrets alone.
          serviceAccountName: 'k8s-upgrade-job',
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: 1,
          affinity: {
            nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [termOf(place)] } },
          },
          tolerations: CONTROL_PLANE_TAINTS.map((key) => ({ key, operator: 'Exists', effect: 'NoSchedule' })),
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 65_532,
            runAsGroup: 65_532,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [
            {
              name: 'probe',
              image,
              imagePullPolicy: 'IfNotPresent',
              command: ['node', '-e', PROBE_PROGRAM],
              env: [{ name: 'PROBE_ADDRESS', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
              resources: { requests: { cpu: '5m', memory: '48Mi' }, limits: { memory: '128Mi' } },
            },
          ],
        },
      },
    },
  };
}

export const CONTROL_PLANE_TAINTS = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

function termOf(place: ProbePlace): object {
  if ('node' in place) return { matchFields: [{ key: 'metadata.name', operator: 'In', values: [place.node] }] };
  const { label, value } = place;
  return {
    matchExpressions: [
      value === null ? { key: label, operator: 'DoesNotExist' } : { key: label, operator: 'In', values: [value] },
    ],
  };
}
