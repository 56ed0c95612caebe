import { z } from 'zod';
import { atOnce } from '../at-once.ts';
import type { Cluster, EvictionResult, PodEvent, PodFact, PodQuery } from './cluster.ts';
import { apiPath, type KubeClient } from './kube-client.ts';
import type { KubeContext } from './kube-context.ts';
import { answerError, isAbout, isConflict, parseStatus, type Status, unreadableAnswer } from './kube-error.ts';
import type { ColumnOf, Fold, TableFold } from './kube-list.ts';
import { AnyObject, instant, ObjectMeta, orUndefined } from './kube-object.ts';
import { Pod, podFact } from './kube-pod.ts';
import { watchPods } from './kube-pod-watch.ts';
import type { KubeAnswer, KubeRequest } from './kube-request.ts';
import { type KubeSubject, subjectOf } from './kube-subject.ts';
import { LabelSelector } from './label-selector.ts';

const Budget = z.object({
  metadata: ObjectMeta,
  spec: z.object({ selector: LabelSelector.nullish() }).prefault({}),
  status: z
    .object({
      disruptionsAllowed: z.number().int().default(0),
      currentHealthy: z.number().int().default(0),
      desiredHealthy: z.number().int().default(0),
      expectedPods: z.number().int().default(0),
      conditions: z
        .array(z.object({ type: z.string(), reason: z.string().default(''), message: z.string().default('') }))
        .default([]),
    })
    .prefault({}),
});

/** Each pod becomes what is used of it as it comes. */
const PodItem = Pod.transform(podFact);

/** Whoever writes them in the newer form leaves the older times empty. */
const PodWarning = z
  .object({
    metadata: ObjectMeta,
    involvedObject: z.object({
      namespace: z.string().default(''),
      name: z.string().default(''),
      uid: z.string().default(''),
    }),
    reason: z.string().default(''),
    message: z.string().default(''),
    lastTimestamp: z.string().nullish(),
    eventTime: z.string().nullish(),
    series: z.object({ lastObservedTime: z.string().nullish() }).nullish(),
  })
  .transform(
    ({ metadata, involvedObject, reason, message, lastTimestamp, eventTime, series }): PodEvent => ({
      reason,
      message,
      pod: involvedObject,
      lastSeen: instant(series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp),
    }),
  );

/** A page of one, for what it says of the rest. */
const OnePod = z.object({
  metadata: z.object({ remainingItemCount: z.number().int().optional(), continue: z.string().default('') }),
  items: z.array(z.unknown()).nullable(),
});

type PodCalls = Pick<
  Cluster,
  | 'pods'
  | 'foldPods'
  | 'readiness'
  | 'podCount'
  | 'podWarnings'
  | 'leavingPods'
  | 'watchPods'
  | 'budgets'
  | 'evict'
  | 'tryEviction'
  | 'deletePod'
>;

function podsWhere({ node, namespace, labels, phase }: PodQuery): KubeRequest {
  const where = [
    namespace === undefined ? undefined : `in ${namespace}`,
    node === undefined ? undefined : `on ${node}`,
    phase,
    labels,
  ];
  const fields = [
    ...(node === undefined ? [] : [`spec.nodeName=${node}`]),
    ...(phase === undefined ? [] : [`status.phase=${phase}`]),
  ];
  return {
    doing: ['listing the pods', ...where].filter((part) => part !== undefined).join(' '),
    path: namespace === undefined ? '/api/v1/pods' : apiPath`/api/v1/namespaces/${namespace}/pods`,
    query: { fieldSelector: fields.length === 0 ? undefined : fields.join(','), labelSelector: labels },
  };
}

/** What kubectl shows of a pod that was told to go, or whose node is lost (`printPod` in pkg/printers/internalversion). */
const LEAVING = ['Terminating', 'Unknown'];
/** Pods of so many nodes are read by node; of more, all pods are. */
const FEW_NODES = 40;
const AT_ONCE = 8;

const Row = z.object({ cells: z.array(z.unknown()) });
/** Of a pod; from a server that knows no tables, the pod. */
const PodRow = Row.or(PodItem.transform((pod) => ({ pod })));
/** Without the objects: a hundred and forty bytes for each pod instead of seven thousand. */
const ROWS_ALONE = { includeObject: 'None' };
/** What stands in the column of the node while a pod has none. */
const NO_NODE = '<none>';

/** @throws ClusterError for a table without one of these columns. */
function cellsOf<Name extends string>(
  { cells }: z.infer<typeof Row>,
  column: ColumnOf,
  names: readonly Name[],
  doing: string,
  server: string,
): Readonly<Record<Name, string>> {
  const found = names.map((name) => {
    const at = column(name);
    const cell = at === undefined ? undefined : cells[at];
    if (typeof cell === 'string') return [name, cell] as const;
    throw unreadableAnswer(doing, server, `the table lacks one of the columns ${names.join(', ')}`);
  });
  return Object.fromEntries(found) as Record<Name, string>;
}

/** Names of the nodes that pods may be leaving; pods that have ended are not among them. */
async function nodesThatPodsLeave(client: KubeClient, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const doing = 'listing the pods that are terminating';
  const fold: TableFold<z.infer<typeof PodRow>, Set<string>> = {
    start: () => new Set(),
    see: (nodes, row, column) => {
      if ('pod' in row) {
        if (row.pod.deleting && row.pod.node !== null) nodes.add(row.pod.node);
        return;
      }
      const { Status, Node } = cellsOf(row, column, ['Status', 'Node'], doing, client.server);
      if (LEAVING.includes(Status) && Node !== NO_NODE) nodes.add(Node);
    },
  };
  return await client.table({ doing, path: '/api/v1/pods', query: ROWS_ALONE }, PodRow, fold, signal);
}

/** Names of the nodes that say Ready: what a lost node runs looks as it last did, and its pods are Ready no more. */
async function readyNodes(client: KubeClient, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const doing = 'listing the nodes that are Ready';
  const fold: TableFold<z.infer<typeof NodeCells>, Set<string>> = {
    start: () => new Set(),
    see: (nodes, row, column) => {
      // Without tables no pod is judged by its line either.
      if (!('cells' in row)) return;
      const { Name, Status } = cellsOf(row, column, ['Name', 'Status'], doing, client.server);
      if (Status.split(',')[0] === 'Ready') nodes.add(Name);
    },
  };
  return await client.table({ doing, path: '/api/v1/nodes', query: ROWS_ALONE }, NodeCells, fold, signal);
}

const NodeCells = Row.or(AnyObject.transform(() => ({})));

/** The Job controller puts it on every pod that it makes. */
const OF_A_JOB = 'job-name';
const NOT_ENDED = 'status.phase!=Succeeded,status.phase!=Failed';

/** By node, from the lines of the pods alone. */
interface ByNode<T> {
  /** How many pods are plainly Ready. */
  readonly ready: Map<string, number>;
  /** Names of those that are not, or may not be. */
  readonly inDoubt: Map<string, string[]>;
  /** Of a server that knows no tables. */
  readonly state: T;
}

/** All containers run and are ready, and so is every gate of its own (`printPod`). */
function isPlainlyReady({ Ready, Status, Gates }: { Ready: string; Status: string; Gates: string }): boolean {
  const isWhole = (text: string): boolean => /^([1-9]\d*)\/\1$/.test(text);
  return Status === 'Running' && isWhole(Ready) && (Gates === NO_NODE || isWhole(Gates));
}

async function podsByNode<T>(
  client: KubeClient,
  { path, query, doing }: KubeRequest,
  { start, see }: Fold<PodFact, T>,
  signal: AbortSignal,
): Promise<ByNode<T>> {
  const fold: TableFold<z.infer<typeof PodRow>, ByNode<T>> = {
    start: () => ({ ready: new Map(), inDoubt: new Map(), state: start() }),
    see: ({ ready, inDoubt, state }, row, column) => {
      if ('pod' in row) return see(state, row.pod);
      const names = ['Name', 'Ready', 'Status', 'Node', 'Readiness Gates'] as const;
      const cells = cellsOf(row, column, names, doing, client.server);
      if (LEAVING.includes(cells.Status)) return;
      const isReady = isPlainlyReady({ ...cells, Gates: cells['Readiness Gates'] });
      if (isReady) ready.set(cells.Node, (ready.get(cells.Node) ?? 0) + 1);
      else if (inDoubt.get(cells.Node)?.push(cells.Name) === undefined) inDoubt.set(cells.Node, [cells.Name]);
    },
  };
  return await client.table({ doing, path, query: { ...query, ...ROWS_ALONE } }, PodRow, fold, signal);
}

/** Whether one of these names is missing; of several namespaces, a name may stand there more than once. */
function lacksAny(names: readonly string[], found: readonly string[]): boolean {
  const left = Map.groupBy(found, (name) => name);
  return names.some((name) => left.get(name)?.pop() === undefined);
}

/** Pods move meanwhile: so often the lines are read anew before all pods are. */
const LOOKS = 3;

async function readiness<T>(
  client: KubeClient,
  where: PodQuery,
  fold: Fold<PodFact, T>,
  signal: AbortSignal,
): Promise<{ readonly ready: number; readonly state: T }> {
  const request = podsWhere(where);
  const asked = (labelSelector: string | undefined, field?: string): KubeRequest => ({
    ...request,
    query: { labelSelector, fieldSelector: field === undefined ? NOT_ENDED : `${NOT_ENDED},${field}` },
  });
  for (let look = 0; look < LOOKS; look += 1) {
    const [lines, nodes] = await Promise.all([
      podsByNode(client, asked(`!${OF_A_JOB}`), fold, signal),
      readyNodes(client, signal),
    ]);
    const { state } = lines;
    const lost = [...lines.ready.keys()].filter((node) => !nodes.has(node));
    const doubtful = new Set([...lines.inDoubt.keys(), ...lost]);
    if (doubtful.size > FEW_NODES) break;
    for (const pod of await client.list(asked(OF_A_JOB), PodItem, signal)) fold.see(state, pod);
    const seen: string[] = [];
    await atOnce([...doubtful], AT_ONCE, async (node) => {
      const where = `spec.nodeName=${node === NO_NODE ? '' : node}`;
      for (const pod of await client.list(asked(`!${OF_A_JOB}`, where), PodItem, signal)) {
        seen.push(pod.name);
        fold.see(state, pod);
      }
    });
    // What stands in none of these lists any more has gone elsewhere, where it may be in doubt as well.
    if (lacksAny([...lines.inDoubt.values()].flat(), seen)) continue;
    const sure = [...lines.ready].filter(([node]) => !doubtful.has(node));
    return { ready: sure.reduce((sum, [, count]) => sum + count, 0), state };
  }
  return { ready: 0, state: await client.fold(asked(undefined), PodItem, fold, signal) };
}

export function kubePods({ client }: KubeContext): PodCalls {
  const pods: PodCalls['pods'] = (where, signal) => client.list(podsWhere(where), PodItem, signal);
  const leaving = async (where: PodQuery, signal: AbortSignal): Promise<readonly PodFact[]> => {
    const fold: Fold<PodFact, PodFact[]> = {
      start: () => [],
      see: (found, pod) => {
        if (pod.deleting) found.push(pod);
      },
    };
    return await client.fold(podsWhere(where), PodItem, fold, signal);
  };
  return {
    pods,

    foldPods: (where, start, see, signal) => client.fold(podsWhere(where), PodItem, { start, see }, signal),

    async podCount(signal) {
      const request = { doing: 'counting the pods', path: '/api/v1/pods', query: { limit: '1' } };
      const { metadata, items } = await client.object(request, OnePod, signal);
      const seen = items?.length ?? 0;
      if (metadata.continue === '') return seen;
      return metadata.remainingItemCount === undefined ? undefined : seen + metadata.remainingItemCount;
    },

    async podWarnings(about, signal) {
      const fields = ['involvedObject.kind=Pod', 'type=Warning'];
      if ('reason' in about) {
        const query = { fieldSelector: [...fields, `reason=${about.reason}`].join(',') };
        const doing = `listing the events ${about.reason} of pods`;
        return await client.list({ doing, path: '/api/v1/events', query }, PodWarning, signal);
      }
      const { namespace, uid } = about;
      const query = { fieldSelector: [...fields, `involvedObject.uid=${uid}`].join(',') };
      const path = apiPath`/api/v1/namespaces/${namespace}/events`;
      return await client.list(
        { doing: `listing the events of a pod in ${namespace}`, path, query },
        PodWarning,
        signal,
      );
    },
    readiness: (where, start, see, signal) => readiness(client, where, { start, see }, signal),

    async leavingPods(signal) {
      const nodes = await nodesThatPodsLeave(client, signal);
      if (nodes.size > FEW_NODES) return await leaving({}, signal);
      // A pod that has ended shows how, whether somebody has told it to go or not.
      const ended = await Promise.all((['Succeeded', 'Failed'] as const).map((phase) => leaving({ phase }, signal)));
      const going = await atOnce([...nodes], AT_ONCE, (node) => leaving({ node }, signal));
      return [...new Map([...ended, ...going].flat().map((pod) => [pod.uid, pod])).values()];
    },

    watchPods: (node, signal) => watchPods(client, node, signal),

    async budgets(signal) {
      const found = await client.list(
        { doing: 'listing the PodDisruptionBudgets', path: '/apis/policy/v1/poddisruptionbudgets' },
        Budget,
        signal,
      );
      return found.map(({ metadata, spec, status: { conditions, ...numbers } }) => {
        const failed = conditions.find(({ type, reason }) => type === 'DisruptionAllowed' && reason === 'SyncFailed');
        return {
          namespace: metadata.namespace,
          name: metadata.name,
          ...numbers,
          ...(failed === undefined ? {} : { syncFailed: failed.message }),
          selector: spec.selector ?? null,
        };
      });
    },

    evict: (pod, signal) => askEviction(client, pod, { doing: 'evicting', options: {} }, signal),

    tryEviction: (pod, signal) =>
      askEviction(client, pod, { doing: 'asking for a dry run of evicting', options: { dryRun: ['All'] } }, signal),

    async deletePod(pod, signal) {
      const path = apiPath`/api/v1/namespaces/${pod.namespace}/pods/${pod.name}`;
      // No gracePeriodSeconds: the pod's own is taken, and never 0, which would leave its containers running unseen.
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: pod.uid } };
      const doing = `deleting pod ${pod.namespace}/${pod.name}`;
      try {
        await orUndefined(client.object({ doing, method: 'DELETE', path, body }, AnyObject, signal));
      } catch (error) {
        // Another pod has this name by now.
        if (!isConflict(error)) throw error;
      }
    },
  };
}

async function askEviction(
  client: KubeClient,
  pod: PodFact,
  { doing, options }: { readonly doing: string; readonly options: object },
  signal: AbortSignal,
): Promise<EvictionResult> {
  const request: KubeRequest = {
    doing: `${doing} pod ${pod.namespace}/${pod.name}`,
    method: 'POST',
    path: apiPath`/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/eviction`,
    body: {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: pod.name, namespace: pod.namespace },
      // A StatefulSet's next pod has the same name: only this very pod is meant.
      deleteOptions: { preconditions: { uid: pod.uid }, ...options },
    },
  };
  const resultOf = (answer: KubeAnswer) => evictionResult(answer, subjectOf(request));
  // What is about this pod is an answer that a drain has to look at, whatever its status.
  const answer = await client.answer(request, (given) => resultOf(given) !== undefined, signal);
  const result = resultOf(answer);
  if (result === undefined) throw answerError(request, client.server, answer);
  return result;
}

const TWO_BUDGETS = /more than one PodDisruptionBudget/;
const BUDGET_NAME = /disruption budget (\S+) |poddisruptionbudgets\.policy "([^"]+)"/;
const BUDGET_IN_DOUBT = /disruptions allowed is negative|DisruptedPods map too big/i;

/**
 * What an eviction's answer means (`pkg/registry/core/pod/storage/eviction.go`); undefined for an error that is not
 * about this pod. A Status in the body counts for more than the HTTP code: some servers say 201 around a failure.
 */
export function evictionResult(answer: KubeAnswer, subject: KubeSubject | undefined): EvictionResult | undefined {
  const status = parseStatus(answer.body);
  const code = status?.status === 'Failure' ? (status.code ?? answer.status) : answer.status;
  const message = status?.message ?? `HTTP ${code}`;
  const retryAfterMs = retryAfter(status, answer);
  const causes = status?.details?.causes ?? [];
  const isCause = (cause: string): boolean => causes.some(({ reason }) => reason === cause);

  if (code >= 200 && code < 300) return status?.status === 'Success' ? { kind: 'accepted' } : undefined;
  switch (code) {
    case 404: {
      const isGone = status?.status === 'Failure' && status.reason === 'NotFound' && isAbout(status, subject);
      return isGone ? { kind: 'gone' } : undefined;
    }
    case 409:
      // The precondition failed: another pod has this name now, or this one changed under the API server's hands.
      return /precondition|uid/i.test(message) ? { kind: 'gone' } : { kind: 'busy', message, retryAfterMs };
    case 429:
      // API Priority and Fairness sends 429 as well, without a cause: that is no budget's doing.
      if (!isCause('DisruptionBudget')) return { kind: 'busy', message, retryAfterMs };
      // The Status itself only says that there is a budget; its cause says which one, and what it lacks.
      return blocked(causes.find(({ reason }) => reason === 'DisruptionBudget')?.message ?? message, retryAfterMs);
    case 403:
      if (BUDGET_IN_DOUBT.test(message)) return blocked(message, retryAfterMs);
      return isCause('NamespaceTerminating') ? { kind: 'busy', message, retryAfterMs } : undefined;
    case 500:
      if (TWO_BUDGETS.test(message)) return { kind: 'impossible', message };
      return { kind: 'busy', message, retryAfterMs };
    case 504:
      return { kind: 'busy', message, retryAfterMs };
    default:
      return undefined;
  }
}

function blocked(message: string, retryAfterMs: number): EvictionResult {
  const [, said, forbidden] = BUDGET_NAME.exec(message) ?? [];
  return { kind: 'blocked', budget: said ?? forbidden ?? null, message, retryAfterMs };
}

/** Zero means "no advice" (the API server's answer for most budgets): whoever asks keeps to a pace of its own. */
function retryAfter(status: Status | undefined, answer: KubeAnswer): number {
  return (status?.details?.retryAfterSeconds ?? 0) * 1000 || (answer.retryAfterMs ?? 0);
}
