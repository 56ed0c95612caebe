import { createHash } from 'node:crypto';
import { jobImage } from '../../chain/ensure-job.ts';
import type { Context } from '../../chain/phase.ts';
import { nodeOf, stepName } from '../../chain/step.ts';
import type { ClaimManifest, JobManifest, PodFact } from '../../cluster/cluster.ts';
import { reasonOf } from '../../errors.ts';
import type { JobFact } from '../../facts/facts.ts';
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
  const jobs = await probeJobs(context);
  const named = places.map((place) => ({ place, name: nameOf(context, place) }));
  for (const { place, name } of named) {
    const job = jobs.get(name);
    if (job?.status === 'active') continue;
    // Of an earlier try, whose time was over.
    if (job !== undefined) await deps.cluster.deleteJob(name, signal, undefined, job.createdAt);
    await createProbe(context, { name, place, script: PROBE_PROGRAM });
  }
  const pods = await deps.cluster.pods({ namespace, labels: selectorOf(context) }, signal);
  return named.map(({ place, name }) => ({
    place,
    pod: pods.find((pod) => pod.owner?.name === name && !pod.deleting),
  }));
}

/** A Job that runs a script of Node once; of a name that is there already it stays as it is. */
export interface ScriptProbe {
  readonly name: string;
  readonly script: string;
  /** Default: wherever the scheduler likes. */
  readonly place?: ProbePlace;
  readonly env?: Readonly<Record<string, string>>;
  /** Mounted at /data; made when it is not there. */
  readonly claim?: { readonly name: string; readonly storageClass: string };
}

export async function createProbe(context: Context, probe: ScriptProbe): Promise<void> {
  const { deps, signal } = context;
  const { claim } = probe;
  const owner = await ownPod(context);
  const image = deps.settings.smoke.image || (await jobImage(deps, signal));
  if (claim !== undefined)
    await deps.cluster.createClaim(claimOf(metadataOf(context, claim.name, owner), claim.storageClass), signal);
  await deps.cluster.createJob(probeJob(context, probe, image, owner), signal);
}

/** The Jobs of this step that are there, by name. */
export async function probeJobs(context: Context): Promise<ReadonlyMap<string, JobFact>> {
  const jobs = await context.deps.cluster.jobs(selectorOf(context), context.signal);
  return new Map(jobs.map((job) => [job.name, job]));
}

export function claimName(context: Context, storageClass: string): string {
  return `${APP}-${ownLabel(context)}-${short(storageClass)}`;
}

/** Pending, Bound, Lost; undefined when there is none. */
export async function phaseOfClaim(context: Context, name: string): Promise<string | undefined> {
  const claims = await context.deps.cluster.claims(selectorOf(context), context.signal);
  return claims.find((claim) => claim.name === name)?.phase;
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

/** Those of the step; when they are removed at the end of a run, those of every step: one may have been killed for good. */
function selectorOf(context: Context, removing = false): string {
  const isOfAll = removing && nodeOf(context.step) === undefined;
  return isOfAll ? `app=${APP}` : `app=${APP},for=${ownLabel(context)}`;
}

/**
 * What cannot be removed is said and stops nothing: it ends by itself, and the
 * next step that looks removes it. Also when the step is stopped, which its own signal says.
 */
export async function removeProbes(context: Context): Promise<void> {
  const { cluster } = context.deps;
  await remove(context, 'probe pods could not be removed; they end by themselves', async (selector, signal) => {
    const jobs = await cluster.jobs(selector, signal);
    await Promise.all(jobs.map(({ name, createdAt }) => cluster.deleteJob(name, signal, undefined, createdAt)));
  });
}

/** After their pods, which hold them. */
export async function removeClaims(context: Context): Promise<void> {
  const { cluster } = context.deps;
  await remove(context, 'claims of probe pods could not be removed', async (selector, signal) => {
    for (const { name } of await cluster.claims(selector, signal)) await cluster.deleteClaim(name, signal);
  });
}

async function remove(
  context: Context,
  otherwise: string,
  work: (selector: string, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  try {
    await work(selectorOf(context, true), AbortSignal.timeout(REMOVE_MS));
  } catch (error) {
    context.deps.log.warn(otherwise, { error: reasonOf(error) });
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

function metadataOf(context: Context, name: string, owner: PodFact | undefined) {
  return {
    name,
    namespace: context.deps.settings.namespace,
    labels: { app: APP, for: ownLabel(context) },
    ...(owner === undefined
      ? {}
      : { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: owner.name, uid: owner.uid }] }),
  };
}

function claimOf(metadata: ReturnType<typeof metadataOf>, storageClassName: string): ClaimManifest {
  const resources = { requests: { storage: '64Mi' } };
  const spec = { accessModes: ['ReadWriteOnce'], storageClassName, resources };
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec };
}

function probeJob(
  context: Context,
  { name, place, script, env = {}, claim }: ScriptProbe,
  image: string,
  owner: PodFact | undefined,
): JobManifest {
  const { settings } = context.deps;
  const metadata = metadataOf(context, name, owner);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata,
    spec: {
      activeDeadlineSeconds: Math.ceil(settings.waits.readySeconds + settings.waits.soakSeconds + SECONDS_BESIDE),
      ttlSecondsAfterFinished: 60,
      backoffLimit: 0,
      template: {
        metadata: { labels: metadata.labels },
        spec: {
          // For its pull secrets alone.
          serviceAccountName: 'k8s-upgrade-job',
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: 1,
          ...(place === undefined ? {} : { affinity: { nodeAffinity: only(place) } }),
          tolerations: CONTROL_PLANE_TAINTS.map((key) => ({ key, operator: 'Exists', effect: 'NoSchedule' })),
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 65_532,
            runAsGroup: 65_532,
            fsGroup: 65_532,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [
            {
              name: 'probe',
              image,
              imagePullPolicy: 'IfNotPresent',
              command: ['node', '-e', script],
              env: [
                { name: 'PROBE_ADDRESS', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
                ...Object.entries(env).map(([key, value]) => ({ name: key, value })),
              ],
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
              resources: { requests: { cpu: '5m', memory: '48Mi' }, limits: { memory: '128Mi' } },
              ...(claim === undefined ? {} : { volumeMounts: [{ name: 'data', mountPath: '/data' }] }),
            },
          ],
          ...(claim === undefined
            ? {}
            : { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: claim.name } }] }),
        },
      },
    },
  };
}

export const CONTROL_PLANE_TAINTS = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

function only(place: ProbePlace): object {
  return { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [termOf(place)] } };
}

function termOf(place: ProbePlace): object {
  if ('node' in place) return { matchFields: [{ key: 'metadata.name', operator: 'In', values: [place.node] }] };
  const { label, value } = place;
  return {
    matchExpressions: [
      value === null ? { key: label, operator: 'DoesNotExist' } : { key: label, operator: 'In', values: [value] },
    ],
  };
}
