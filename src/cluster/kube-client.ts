import type { z } from 'zod';
import type { Clock } from '../clock.ts';
import { describeBody } from '../http/describe-body.ts';
import type { KubeCredentials } from './kube-credentials.ts';
import {
  answerError,
  ClusterError,
  connectionError,
  deadlineError,
  isDoubtful,
  isUnavailable,
  unreadableAnswer,
} from './kube-error.ts';
import { type Fold, foldPages, foldTable, type Listed, listPages, type TableFold } from './kube-list.ts';
import { type Elements, type KubeAnswer, type KubeRequest, PATCH_TYPES, type ReadObject } from './kube-request.ts';
import { mismatch } from './kube-subject.ts';
import { exchange, linesOf, readAnswer, send, type WireAnswer, type WireRequest } from './kube-transport.ts';
import { parseObject } from './parse-object.ts';

export interface KubeClient {
  readonly server: string;
  readonly object: ReadObject;
  /** All objects of a list, page by page. */
  list<S extends z.ZodType>(request: KubeRequest, item: S, signal: AbortSignal): Promise<z.infer<S>[]>;
  /** A list as kubectl shows it, in one answer: its rows one by one, and where which column is in them. */
  table<S extends z.ZodType, State>(
    request: KubeRequest,
    row: S,
    fold: TableFold<z.infer<S>, State>,
    signal: AbortSignal,
  ): Promise<State>;
  /** As `list`, and nothing is held but what the fold makes of it. */
  fold<S extends z.ZodType, State>(
    request: KubeRequest,
    item: S,
    fold: Fold<z.infer<S>, State>,
    signal: AbortSignal,
  ): Promise<State>;
  /** As `list`, with the resourceVersion that it was true at. */
  listAt<S extends z.ZodType>(request: KubeRequest, item: S, signal: AbortSignal): Promise<Listed<z.infer<S>>>;
  /** The lines of an answer as they come, for at most `seconds`: a watch. Asked for once: who lists anew need not wait for it. */
  lines(request: KubeRequest, seconds: number, signal: AbortSignal): AsyncIterable<string>;
  /** The body as it is, for logs. */
  text(request: KubeRequest, signal: AbortSignal): Promise<string>;
  /** Any answer for which `expected` says yes, without an error for its status. Waits out a server that is away, and a doubtful no that may pass. */
  answer(request: KubeRequest, expected: (answer: KubeAnswer) => boolean, signal: AbortSignal): Promise<KubeAnswer>;
  /** How many HTTP requests were sent, retries included. */
  requests(): number;
  /** How long no answer was to be had, in all, by whoever asked meanwhile; milliseconds. */
  awayMs(): number;
}

export interface KubeClientOptions {
  readonly credentials: KubeCredentials;
  readonly clock: Clock;
  /** For the audit log: 'nightlift/0.1.0 (phase)'. */
  readonly userAgent: string;
  /** How long one call waits out an API server that is away. A single control plane's is away for minutes. */
  readonly patienceMs: number;
  /**
   * How long a doubtful no (`isDoubtful`) is not believed, by a process whose permissions were checked and who restarts
   * API servers; default 0. Their restart may fall between two requests, so that only the doubtful answers are seen of it.
   */
  readonly doubtMs?: number;
  /** Told that an API server is waited for, and since when: after two seconds, then every minute, whatever the number of calls. */
  readonly onWaiting?: (failure: ClusterError, waitedMs: number) => void;
  /** For one HTTP exchange, body included. */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 15_000;
/** A table is of all objects at once; the API server itself gives up after a minute. */
const TABLE_DEADLINE_MS = 60_000;
const FIRST_PAUSE_MS = 250;
/** The API server compresses what is longer than 128 KB: a list to a fifteenth, for less processor than TLS takes. */
const COMPRESSED = { 'accept-encoding': 'gzip' };
const LONGEST_PAUSE_MS = 5_000;
/** So long after an API server was away, a no may still be of its start. */
export const WARM_UP_MS = 30_000;
const FIRST_WORD_MS = 2_000;
const NEXT_WORD_MS = 60_000;

/**
 * HTTP to the API server with everything that every call needs: a deadline (client-node has none), our User-Agent, the
 * right patch type, paging, and patience. All calls of this program may be repeated: reads, merge patches, creates
 * under fixed names, deletes and evictions of one uid.
 */
export function createKubeClient(options: KubeClientOptions): KubeClient {
  const { credentials, clock } = options;
  const { server } = credentials;
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  let sent = 0;
  let lastAwayAt = Number.NEGATIVE_INFINITY;
  /** Since when nothing but doubtful answers has come back; undefined after any other. */
  let doubtfulSince: number | undefined;
  let nextWordAt = Number.NEGATIVE_INFINITY;
  let answeredAt = Number.NEGATIVE_INFINITY;
  /** Since when a question is without an answer, and no other has one. */
  let unansweredSince: number | undefined;
  let isAway = false;
  let awayMs = 0;

  function sayWaiting(failure: ClusterError, now: number, waited: number): void {
    if (waited < FIRST_WORD_MS || now < nextWordAt) return;
    nextWordAt = now + NEXT_WORD_MS;
    options.onWaiting?.(failure, waited);
  }

  /** It may have hung for long before it failed. One that was given up says only something together with one that failed. */
  function countUnanswered(askedAt: number, failed: boolean): void {
    unansweredSince ??= Math.max(askedAt, answeredAt);
    isAway ||= failed;
  }

  /** Whatever it says. */
  function countAnswer(now: number): void {
    if (isAway && unansweredSince !== undefined) awayMs += now - unansweredSince;
    unansweredSince = undefined;
    isAway = false;
    answeredAt = now;
  }

  function wireRequest(
    request: KubeRequest,
    signal: AbortSignal,
    encoding: Readonly<Record<string, string>> = {},
  ): WireRequest {
    return {
      url: urlOf(server, request),
      method: request.method ?? 'GET',
      headers: { ...headersOf(request, options.userAgent), ...encoding },
      body: request.body === undefined ? undefined : JSON.stringify(request.body),
      signal,
    };
  }

  /** Whether a doubtful no may still turn out to be none. */
  function mayPass(now: number, waited: number): boolean {
    if (now - lastAwayAt <= WARM_UP_MS) return true;
    return Math.max(waited, now - (doubtfulSince ?? now)) < (options.doubtMs ?? 0);
  }

  async function once(request: KubeRequest, signal: AbortSignal, elements?: Elements): Promise<WireAnswer> {
    const own = request.onceWithinMs ?? deadlineMs;
    const limitMs = request.table === true ? Math.max(own, TABLE_DEADLINE_MS) : own;
    const deadline = AbortSignal.timeout(limitMs);
    const authorization = await credentials.authorize();
    try {
      sent += 1;
      const wire = wireRequest(request, AbortSignal.any([signal, deadline]), COMPRESSED);
      return await exchange(wire, authorization, elements);
    } catch (error) {
      signal.throwIfAborted();
      throw deadline.aborted
        ? deadlineError(request.doing, server, limitMs)
        : connectionError(request.doing, server, error);
    }
  }

  async function answer(
    request: KubeRequest,
    expected: (answer: KubeAnswer) => boolean,
    signal: AbortSignal,
    elements?: Elements,
  ): Promise<WireAnswer> {
    const start = clock.now().getTime();
    const patienceMs = request.onceWithinMs === undefined ? options.patienceMs : 0;
    for (let attempt = 0; ; attempt += 1) {
      let failure: ClusterError;
      signal.throwIfAborted();
      const askedAt = clock.now().getTime();
      let pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 10));
      try {
        const result = await once(request, signal, elements);
        if (expected(result)) {
          doubtfulSince = undefined;
          countAnswer(clock.now().getTime());
          return result;
        }
        failure = isSuccess(result)
          ? unreadableAnswer(request.doing, server, `${server} answered with ${describeBody(result.body)}`)
          : answerError(request, server, result);
        // Retry-After is the server's own word, so it goes before our guess.
        pause = result.retryAfterMs ?? pause;
      } catch (error) {
        if (signal.aborted) countUnanswered(askedAt, false);
        if (!(error instanceof ClusterError)) throw error;
        failure = error;
      }
      const now = clock.now().getTime();
      const waited = now - start;
      if (isUnavailable(failure)) countUnanswered(askedAt, true);
      else countAnswer(now);
      // That something does not exist is an answer as well: this server knows its roles.
      doubtfulSince = isDoubtful(failure) ? (doubtfulSince ?? now) : undefined;
      if (isUnavailable(failure)) lastAwayAt = now;
      else if (!isDoubtful(failure) || !mayPass(now, waited)) throw failure;
      if (waited + pause > patienceMs) throw attempt === 0 ? passing(failure) : afterWaiting(failure, waited);
      sayWaiting(failure, now, waited);
      await clock.sleep(pause, signal);
    }
  }

  async function object<S extends z.ZodType>(
    request: KubeRequest,
    schema: S,
    signal: AbortSignal,
    elements?: Elements,
  ): Promise<z.infer<S>> {
    const { body } = await answer(request, isSuccess, signal, elements);
    return parseObject(request.doing, server, body, schema, (value) => mismatch(request, value));
  }

  return {
    server,
    object,
    answer: (request, expected, signal) => answer(request, expected, signal),
    table: (request, row, fold, signal) => foldTable(object, server, request, row, fold, signal),
    async fold(request, item, fold, signal) {
      return (await foldPages(object, server, request, item, fold, signal)).state;
    },
    listAt: (request, item, signal) => listPages(object, server, request, item, signal),
    async text(request, signal) {
      const { body, contentType } = await answer(request, isSuccess, signal);
      if (contentType.startsWith('text/plain')) return body;
      const problem = `${server} answered with ${describeBody(body)} of type "${contentType}", not with plain text`;
      throw unreadableAnswer(request.doing, server, problem);
    },
    async list(request, item, signal) {
      return (await listPages(object, server, request, item, signal)).items;
    },
    async *lines(request, seconds, signal) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]);
      const authorization = await credentials.authorize();
      sent += 1;
      const incoming = await send(wireRequest(request, limit), authorization);
      if (!isSuccess({ status: incoming.statusCode ?? 0 }))
        throw answerError(request, server, await readAnswer(incoming));
      yield* linesOf(incoming);
    },
    requests: () => sent,
    awayMs: () => awayMs,
  };
}

/** Template tag: a path whose inserted segments are encoded, so that no name can change the path. */
export function apiPath(strings: TemplateStringsArray, ...segments: readonly string[]): string {
  return String.raw({ raw: strings }, ...segments.map((segment) => encodeURIComponent(segment)));
}

function isSuccess({ status }: Pick<KubeAnswer, 'status'>): boolean {
  return status >= 200 && status < 300;
}

function urlOf(server: string, { path, query = {} }: KubeRequest): string {
  const url = new URL(`${server}${path}`);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';

function headersOf({ body, patch, table }: KubeRequest, userAgent: string): Record<string, string> {
  const type = body === undefined ? undefined : patch === undefined ? 'application/json' : PATCH_TYPES[patch];
  return {
    // Who knows no Table gives the objects.
    accept: `${table === true ? `${TABLE}, ` : ''}application/json, */*`,
    'user-agent': userAgent,
    ...(type === undefined ? {} : { 'content-type': type }),
  };
}

function afterWaiting(failure: ClusterError, waitedMs: number): ClusterError {
  return passing(failure, ` (still so after ${Math.round(waitedMs / 1000)} s of trying)`);
}

/** Whatever was worth another try is worth one later on: a no that may pass is no answer yet. */
function passing(failure: ClusterError, more = ''): ClusterError {
  if (failure.unavailable && more === '') return failure;
  return new ClusterError(`${failure.message}${more}`, {
    status: failure.status,
    reason: failure.reason,
    unavailable: true,
    ...(failure.remedy === undefined ? {} : { remedy: failure.remedy }),
    cause: failure,
  });
}
