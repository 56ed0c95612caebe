import { z } from 'zod';
import { NightliftError } from '../errors.ts';
import { describeBody } from '../http/describe-body.ts';
import type { KubeRequest } from './kube-request.ts';
import { isKindOf, type KubeSubject, subjectOf } from './kube-subject.ts';

/**
 * An API call that did not do what it should. `status` is the HTTP status, 0 when there was no answer at all; `reason`
 * is the API server's (NotFound, Conflict, Forbidden …) or one of ours: Unreachable, Timeout, Certificate, NotKubernetes,
 * and NotServed, when the API server does not know the kind of object at all.
 * Only `unavailable` ones are worth another try: the API server was away, busy or restarting.
 */
export class ClusterError extends NightliftError {
  override name = 'ClusterError';
  readonly status: number;
  readonly reason: string;
  readonly unavailable: boolean;

  constructor(message: string, details: ClusterErrorDetails) {
    super('cluster', message, details);
    this.status = details.status;
    this.reason = details.reason;
    this.unavailable = details.unavailable ?? false;
  }
}

export interface ClusterErrorDetails {
  readonly status: number;
  readonly reason: string;
  readonly unavailable?: boolean;
  readonly remedy?: string;
  readonly cause?: unknown;
}

/** The API server is away, restarting or overloaded, as opposed to having said no. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof ClusterError && error.unavailable;
}

/**
 * A no that the restart of an API server can be the cause of. One that has just started denies everybody everything until
 * it has read its roles (401, 403). While none stands behind the address of its Service, a packet may leave the node as it
 * is, and whatever stands in the network, such as a proxy that breaks up TLS, answers with a certificate of its own: nothing
 * is sent to it, as the handshake fails before the request.
 */
export function isDoubtful({ status, reason }: ClusterError): boolean {
  return status === 401 || status === 403 || reason === 'Certificate';
}

/** The API server itself has said that this very object does not exist. Any other 404 is an error. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ClusterError && error.status === 404 && error.reason === 'NotFound';
}

export function isForbidden(error: unknown): boolean {
  return error instanceof ClusterError && error.status === 403;
}

/** Somebody else changed the object meanwhile (resourceVersion or a precondition). */
export function isConflict(error: unknown): boolean {
  return error instanceof ClusterError && error.status === 409 && error.reason === 'Conflict';
}

export function isAlreadyExists(error: unknown): boolean {
  return error instanceof ClusterError && error.status === 409 && error.reason === 'AlreadyExists';
}

/** What an API server answers with when it is not the object that was asked for. */
export const Status = z.object({
  kind: z.literal('Status'),
  status: z.string().optional(),
  message: z.string().optional(),
  reason: z.string().optional(),
  code: z.number().optional(),
  details: z
    .object({
      name: z.string().optional(),
      group: z.string().optional(),
      kind: z.string().optional(),
      retryAfterSeconds: z.number().optional(),
      causes: z.array(z.object({ reason: z.string().optional(), message: z.string().optional() })).optional(),
    })
    .optional(),
});

export type Status = z.infer<typeof Status>;

/** The Status in a body; undefined for anything else. */
export function parseStatus(body: string): Status | undefined {
  try {
    return Status.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

/** These say that the server is away or busy; a 500 does so only with etcd's or a timeout's words in it. */
const UNAVAILABLE_STATUS = new Set([408, 429, 502, 503, 504]);
const PASSING_500 =
  /etcdserver|leader changed|timeout|timed out|connection refused|context deadline|unexpected EOF|shutting down/i;

/** An answer with an error status. Never shows headers: they may hold tokens. */
export function answerError(
  request: Pick<KubeRequest, 'doing' | 'path' | 'body'>,
  server: string,
  answer: { readonly status: number; readonly body: string },
): ClusterError {
  const { status: code, body } = answer;
  const status = parseStatus(body);
  const said = status?.message ?? describeBody(body);
  const reason = reasonFor(code, status, subjectOf(request));
  const remedy = remedyOf(code, reason, server, request.path);
  const who = reason === NOT_KUBERNETES ? server : 'the API server';
  return new ClusterError(`${request.doing}: ${who} answered ${code}${reason === '' ? '' : ` ${reason}`}: ${said}`, {
    status: code,
    reason,
    unavailable: UNAVAILABLE_STATUS.has(code) || (code === 500 && PASSING_500.test(said)),
    ...(remedy === undefined ? {} : { remedy }),
  });
}

const NOT_KUBERNETES = 'NotKubernetes';

/**
 * The server's reason, as far as it may be believed: that an object does not exist, or exists already, counts only from a
 * Status about that object. A load balancer, a proxy or a wrong path says 404 as well.
 */
function reasonFor(code: number, status: Status | undefined, subject: KubeSubject | undefined): string {
  if (status === undefined) return code >= 400 && code < 500 && !UNAVAILABLE_STATUS.has(code) ? NOT_KUBERNETES : '';
  const reason = status.reason ?? '';
  if (code !== 404 && reason !== 'AlreadyExists') return reason;
  if (status.status !== 'Failure') return NOT_KUBERNETES;
  if (code === 404 && reason === 'NotFound' && status.details?.name === undefined) return 'NotServed';
  const expected = code === 404 ? 'NotFound' : 'AlreadyExists';
  return reason === expected && isAbout(status, subject) ? reason : NOT_KUBERNETES;
}

/** Whether it is said of that object, or of the namespace that the object is in. */
export function isAbout({ details = {} }: Status, subject: KubeSubject | undefined): boolean {
  const { name, kind = '', group = '' } = details;
  if (subject === undefined || name === undefined) return false;
  if (kind === 'namespaces' && name === subject.namespace) return true;
  const isSameKind = kind === subject.plural || isKindOf(kind, subject.plural);
  return name === subject.name && isSameKind && group === subject.group;
}

function remedyOf(code: number, reason: string, server: string, path: string): string | undefined {
  if (reason === NOT_KUBERNETES) return `${ITSELF(server)} What it answers: kubectl get --raw '${path}'`;
  if (reason === 'NotServed')
    return `Check whether ${server} serves ${path}: kubectl api-resources lists what it knows.`;
  if (code === 401)
    return `Check the token or client certificate for ${server}: it is not known there, or has expired.`;
  if (code === 403) return 'Grant this permission to the account (the module in terraform/ lists all that are needed).';
  if (code === 429)
    return 'It is overloaded, or its flow control lets in no more requests of this account: kubectl get --raw /metrics | grep apiserver_flowcontrol_rejected_requests_total shows whose are refused.';
  if (UNAVAILABLE_STATUS.has(code)) return `Check the API server at ${server}: it is overloaded or restarting.`;
  return undefined;
}

const ITSELF = (server: string): string =>
  `Check that ${server} is the API server itself, with no proxy, login page or other server before it.`;

/** A 200 whose body is not what was asked for: a proxy's page, another server, or an object of another shape. */
export function unreadableAnswer(
  doing: string,
  server: string,
  problem: string,
  cause?: unknown,
  remedy = ITSELF(server),
): ClusterError {
  return new ClusterError(`${doing}: ${problem}`, {
    status: 200,
    reason: NOT_KUBERNETES,
    remedy,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Failures of certificate checks. */
const CERTIFICATE = /CERT|UNABLE_TO_|SELF_SIGNED|ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH/;

/** No answer at all: refused, reset, broken off, TLS handshake cut short. */
export function connectionError(doing: string, server: string, cause: unknown): ClusterError {
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const text = cause instanceof Error && cause.message !== '' ? cause.message : code === '' ? String(cause) : code;
  if (CERTIFICATE.test(code)) {
    return new ClusterError(`${doing}: the certificate of ${server} was not accepted: ${text}`, {
      status: 0,
      reason: 'Certificate',
      remedy:
        'Check the certificate authority in the kubeconfig or the service account, the name in the address, and that nothing between here and there answers in its place.',
      cause,
    });
  }
  return new ClusterError(`${doing}: no answer from ${server}: ${text}`, {
    status: 0,
    reason: 'Unreachable',
    unavailable: true,
    remedy: `Check that the API server at ${server} runs and can be reached from here.`,
    cause,
  });
}

export function deadlineError(doing: string, server: string, deadlineMs: number): ClusterError {
  return new ClusterError(`${doing}: no answer from ${server} within ${deadlineMs / 1000} s`, {
    status: 0,
    reason: 'Timeout',
    unavailable: true,
    remedy: `Check that the API server at ${server} runs and is not overloaded.`,
  });
}
