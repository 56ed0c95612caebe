import { z } from 'zod';
import { NightliftError } from '../../errors.ts';

/** A 64-bit number: as a double still another one for another member. */
const Id = z.number().nonnegative();

const Members = z.object({
  header: z.object({ cluster_id: Id }),
  members: z
    .array(
      z.object({
        ID: Id,
        /** Empty, and without client URLs, until the member has started for the first time. */
        name: z.string().default(''),
        peerURLs: z.array(z.string()).default([]),
        clientURLs: z.array(z.string()).default([]),
        isLearner: z.boolean().default(false),
      }),
    )
    .min(1),
});

const Status = z.object({
  Endpoint: z.string(),
  Status: z.object({
    header: z.object({ cluster_id: Id, member_id: Id }),
    /** 0 when the member knows of none. */
    leader: Id.default(0),
    /** Alarms, and what else is wrong with the member in its own words. */
    errors: z.array(z.string()).default([]),
  }),
});

const Health = z.object({ endpoint: z.string(), health: z.boolean(), error: z.string().default('') });

export interface EtcdHealth {
  readonly members: z.infer<typeof Members>;
  /** What an etcd that is asked alone says of itself; members that do not answer are not among them. */
  readonly status: readonly z.infer<typeof Status>[];
  /** Whether a member reads through the quorum. */
  readonly health: readonly z.infer<typeof Health>[];
  /** What etcdctl said of errors. */
  readonly said: string;
}

/** What control-plane-health.sh saw. */
export interface ControlPlaneHealth {
  /** null: the control planes have no etcd of their own. */
  readonly etcd: EtcdHealth | null;
  /** HTTP status of each API server's /readyz by node; 0 without an answer. */
  readonly apiServers: ReadonlyMap<string, number>;
}

export interface HealthProblem {
  readonly reason: 'EtcdUnhealthy' | 'ControlPlaneUnhealthy';
  readonly message: string;
  readonly remedy: string;
}

const PREFIX = 'nightlift-';
const HTTP_OK = 200;
/** Answers of an API server that lets nobody ask anonymously: whether it is ready stands in its static pod's status. */
const ASKED_IN_VAIN = [401, 403];

const ASK_AGAIN =
  'On a control plane, with the etcdctl of the etcd container: `etcdctl endpoint status --cluster`, `etcdctl member list`.';

/**
 * Reads the output of control-plane-health.sh. Pure.
 * @throws NightliftError (node) for an answer that is missing or is not etcd's: it never counts as healthy.
 */
export function parseControlPlaneHealth(stdout: string, stderr: string): ControlPlaneHealth {
  const answers = new Map<string, string>();
  const apiServers = new Map<string, number>();
  for (const line of stdout.split('\n')) {
    const [key = '', value = '', more = ''] = line.split('\t');
    if (!key.startsWith(PREFIX)) continue;
    if (key === `${PREFIX}api-server`) apiServers.set(value, /^\d{3}$/.test(more) ? Number(more) : 0);
    else answers.set(key.slice(PREFIX.length), value);
  }
  if (answers.has('etcd-external')) return { etcd: null, apiServers };
  const members = read(Members, 'etcd-members', answers, stderr);
  const status = read(z.array(Status), 'etcd-status', answers, stderr);
  const health = read(z.array(Health), 'etcd-health', answers, stderr);
  return { etcd: { members, status, health, said: stderr }, apiServers };
}

const QUESTIONS = {
  'etcd-members': 'member list',
  'etcd-status': 'endpoint status --cluster',
  'etcd-health': 'endpoint health --cluster',
} as const;

function read<T>(
  schema: z.ZodType<T>,
  key: keyof typeof QUESTIONS,
  answers: ReadonlyMap<string, string>,
  stderr: string,
): T {
  const text = answers.get(key) ?? '';
  const doing = `asking etcd for "${QUESTIONS[key]}"`;
  if (text === '')
    throw new NightliftError('node', `${doing}: ${causeIn(stderr) ?? 'it did not answer'}`, {
      remedy: `See whether etcd runs, has a quorum and valid certificates: crictl logs of its container, kubeadm certs check-expiration. ${ASK_AGAIN}`,
    });
  const answer = schema.safeParse(jsonOf(text));
  if (answer.success) return answer.data;
  const at = answer.error.issues[0];
  throw new NightliftError(
    'node',
    `${doing}: the answer is not one of etcdctl: ${text.slice(0, 100)}${at === undefined || at.path.length === 0 ? '' : ` (${at.path.join('.')}: ${at.message})`}`,
    { remedy: ASK_AGAIN },
  );
}

/** A member that the upgrade may find unwell: it is this node's own, and its upgrade had begun, so going on mends it. */
export interface Mended {
  readonly name: string;
  readonly internalIp: string | null;
}

/** What keeps a control plane from being taken away: every member votes, answers, reads through the quorum, follows the one leader. Pure. */
export function etcdProblems(etcd: EtcdHealth, mended: readonly Mended[]): readonly HealthProblem[] {
  const members = etcd.members.members.filter((member) => !mended.some((node) => isMemberOf(member, node)));
  const leaders = new Set(
    members.flatMap((member) =>
      etcd.status.filter((one) => isOf(one.Endpoint, member)).map((one) => one.Status.leader),
    ),
  );
  return [
    ...members.flatMap((member) => memberProblems(member, etcd)),
    ...(leaders.size > 1
      ? [problem('the members of etcd follow different leaders', `Wait for the election to end. ${ASK_AGAIN}`)]
      : []),
  ];
}

type Member = EtcdHealth['members']['members'][number];

function memberProblems(member: Member, etcd: EtcdHealth): readonly HealthProblem[] {
  const who = `etcd member ${member.name === '' ? member.peerURLs.join(', ') : member.name}`;
  if (member.clientURLs.length === 0 || member.name === '')
    return [problem(`${who} has never started`, `Start it, or take it out: etcdctl member remove. ${ASK_AGAIN}`)];
  if (member.isLearner)
    return [problem(`${who} is a learner and does not vote`, `etcdctl member promote, or member remove. ${ASK_AGAIN}`)];
  const status = etcd.status.find((one) => isOf(one.Endpoint, member))?.Status;
  const health = etcd.health.find((one) => isOf(one.endpoint, member));
  if (status === undefined || health === undefined) {
    const why = member.clientURLs.map((url) => causeIn(etcd.said, url)).find((cause) => cause !== undefined);
    return [
      problem(
        `${who} does not answer${why === undefined ? '' : `: ${why}`}`,
        `On its node: crictl ps -a --name etcd, crictl logs; kubeadm certs check-expiration. ${ASK_AGAIN}`,
      ),
    ];
  }
  const alarms = [...new Set(status.errors.map((error) => /alarm: ?(\w+)/i.exec(error)?.[1] ?? error.trim()))];
  if (alarms.length > 0) return [problem(`${who} reports ${alarms.join(', ')}`, remedyOf(alarms))];
  return [
    ...(health.health ? [] : [problem(`${who} is not healthy: ${health.error || 'it does not say why'}`, ASK_AGAIN)]),
    ...(status.leader === 0 ? [problem(`${who} knows of no leader`, ASK_AGAIN)] : []),
    ...(status.header.cluster_id === etcd.members.header.cluster_id && status.header.member_id === member.ID
      ? []
      : [
          problem(
            `another etcd answers in place of ${who}`,
            `Look at its --initial-cluster and client URLs. ${ASK_AGAIN}`,
          ),
        ]),
  ];
}

function remedyOf(alarms: readonly string[]): string {
  if (alarms.includes('CORRUPT'))
    return 'The members do not have the same data. Restore the corrupt one from the others (member remove, empty its data directory, member add) before anything is upgraded.';
  if (alarms.includes('NOSPACE'))
    return 'etcd is over its quota and takes no writes: compact and defragment it, or raise --quota-backend-bytes, then `etcdctl alarm disarm`.';
  return ASK_AGAIN;
}

/** API servers that did not say that they are ready. One that may not be asked anonymously is left to its pod's status. Pure. */
export function apiServerProblems(
  asked: readonly { readonly node: string; readonly address: string }[],
  answers: ReadonlyMap<string, number>,
): readonly HealthProblem[] {
  return asked.flatMap(({ node, address }) => {
    const code = answers.get(node) ?? 0;
    if (code === HTTP_OK || ASKED_IN_VAIN.includes(code)) return [];
    return [
      {
        reason: 'ControlPlaneUnhealthy',
        message: `the API server of ${node} ${code === 0 ? `does not answer at ${address}` : `says at ${address}/readyz that it is not ready (HTTP ${code})`}`,
        remedy: `From another control plane: curl --cacert /etc/kubernetes/pki/ca.crt "https://${address}/readyz?verbose"; the control planes have to reach each other there.`,
      },
    ];
  });
}

function problem(message: string, remedy: string): HealthProblem {
  return { reason: 'EtcdUnhealthy', message, remedy };
}

function isOf(endpoint: string, member: Member): boolean {
  return member.clientURLs.includes(endpoint);
}

function isMemberOf(member: Member, { name, internalIp }: Mended): boolean {
  if (member.name !== '') return member.name === name;
  return internalIp !== null && member.peerURLs.some((url) => hostOf(url) === internalIp);
}

function hostOf(url: string): string | undefined {
  return URL.parse(url)?.hostname.replaceAll(/[[\]]/g, '');
}

/** The innermost cause in etcdctl's log lines, of one endpoint when it is given. */
function causeIn(stderr: string, url?: string): string | undefined {
  const host = url === undefined ? '' : (URL.parse(url)?.host ?? '');
  for (const line of stderr.split('\n').toReversed()) {
    if (!line.includes(host)) continue;
    const error = LogLine.safeParse(jsonOf(line)).data?.error;
    const cause = error
      ?.split(/desc = |error: /)
      .at(-1)
      ?.replaceAll('"', '')
      .trim();
    if (cause !== undefined && cause !== '') return cause;
  }
  const last = url === undefined ? stderr.trimEnd().split('\n').at(-1)?.trim() : undefined;
  return last === '' ? undefined : last;
}

const LogLine = z.object({ error: z.string() });

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
