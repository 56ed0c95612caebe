import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { describeBody } from '../http/describe-body.ts';
import type { KubeCredentials } from './kube-credentials.ts';
import {
  answerError,
  ClusterError,
  connectionError,
  deadlineError,
  isUnavailable,
  unreadableAnswer,
} from './kube-error.ts';
import { exchange, type WireAnswer } from './kube-transport.ts';

/** The API server's default is JSON Patch whatever the body is, so every patch names its type. */
const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
} as const;

export interface KubeRequest {
  /** Gerund and object, the start of every error message: 'listing nodes'. */
  readonly doing: string;
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Absolute, with its segments encoded (see `apiPath`). */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly patch?: keyof typeof PATCH_TYPES;
}

export interface KubeAnswer {
  readonly status: number;
  readonly body: string;
  readonly retryAfterMs: number | undefined;
}

export interface KubeClient {
  readonly server: string;
  /** The object, parsed. @throws ClusterError. */
  object<S extends z.ZodType>(request: KubeRequest, schema: S, signal: AbortSignal): Promise<z.infer<S>>;
  /** All objects of a list, page by page. */
  list<S extends z.ZodType>(request: KubeRequest, item: S, signal: AbortSignal): Promise<z.infer<S>[]>;
  /** The body as it is, for logs. */
  text(request: KubeRequest, signal: AbortSignal): Promise<string>;
  /** Any answer for which `expected` says yes, without an error for its status. Waits out only a server that does not answer otherwise. */
  answer(request: KubeRequest, expected: (status: number) => boolean, signal: AbortSignal): Promise<KubeAnswer>;
  /** How many HTTP requests were sent, retries included. */
  requests(): number;
}

export interface KubeClientOptions {
  readonly credentials: KubeCredentials;
  readonly clock: Clock;
  /** For the audit log: 'nightlift/0.1.0 (phase)'. */
  readonly userAgent: string;
  /** How long one call waits out an API server that is away. A single control plane's is away for minutes. */
  readonly patienceMs: number;
  /**
   * For a process beside which API servers are started: a new one denies everything for seconds, and the outage before it
   * may have been over before the process started, or between two of its requests.
   */
  readonly besideNewServers?: boolean;
  /** Told that an API server is waited for, and since when: after two seconds, then every minute, whatever the number of calls. */
  readonly onWaiting?: (failure: ClusterError, waitedMs: number) => void;
  /** For one HTTP exchange, body included. */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 15_000;
const PAGE = '500';
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
/** An API server that has just started refuses tokens and permissions that its caches do not hold yet. */
const WARM_UP_MS = 30_000;
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
  let deniedSince: number | undefined;
  let nextWordAt = Number.NEGATIVE_INFINITY;

  function sayWaiting(failure: ClusterError, now: number, waited: number): void {
    if (waited < FIRST_WORD_MS || now < nextWordAt) return;
    nextWordAt = now + NEXT_WORD_MS;
    options.onWaiting?.(failure, waited);
  }

  async function once(request: KubeRequest, signal: AbortSignal): Promise<WireAnswer> {
    const deadline = AbortSignal.timeout(deadlineMs);
    signal.throwIfAborted();
    const authorization = await credentials.authorize();
    try {
      sent += 1;
      return await exchange(
        {
          url: urlOf(server, request),
          method: request.method ?? 'GET',
          headers: headersOf(request, options.userAgent),
          body: request.body === undefined ? undefined : JSON.stringify(request.body),
          signal: AbortSignal.any([signal, deadline]),
        },
        authorization,
      );
    } catch (error) {
      signal.throwIfAborted();
      throw deadline.aborted
        ? deadlineError(request.doing, server, deadlineMs)
        : connectionError(request.doing, server, error);
    }
  }

  async function answer(
    request: KubeRequest,
    expected: (status: number) => boolean,
    signal: AbortSignal,
  ): Promise<WireAnswer> {
    const start = clock.now().getTime();
    for (let attempt = 0; ; attempt += 1) {
      let failure: ClusterError;
      let pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 10));
      try {
        const result = await once(request, signal);
        if (expected(result.status)) {
          deniedSince = undefined;
          return result;
        }
        failure = answerError(request.doing, server, result);
        // Retry-After is the server's own word, so it goes before our guess.
        pause = result.retryAfterMs ?? pause;
      } catch (error) {
        if (!(error instanceof ClusterError)) throw error;
        failure = error;
      }
      const now = clock.now().getTime();
      const waited = now - start;
      if (isUnavailable(failure)) lastAwayAt = now;
      else if (!isDenial(failure)) throw failure;
      else {
        if (options.besideNewServers === true) deniedSince ??= now;
        if (now - Math.max(lastAwayAt, deniedSince ?? lastAwayAt) > WARM_UP_MS) throw failure;
      }
      if (waited + pause > options.patienceMs) throw attempt === 0 ? failure : afterWaiting(failure, waited);
      sayWaiting(failure, now, waited);
      await clock.sleep(pause, signal);
    }
  }

  async function object<S extends z.ZodType>(
    request: KubeRequest,
    schema: S,
    signal: AbortSignal,
  ): Promise<z.infer<S>> {
    const { body } = await answer(request, isSuccess, signal);
    return parseObject(request.doing, server, body, schema);
  }

  return {
    server,
    object,
    answer,
    async text(request, signal) {
      return (await answer(request, isSuccess, signal)).body;
    },
    async list(request, item, signal) {
      const page = z.object({
        kind: z.string().endsWith('List'),
        metadata: z.object({ continue: z.string().optional() }),
        items: z.array(item).nullable(),
      });
      for (let restarts = 0; ; restarts += 1) {
        try {
          const items: z.infer<typeof item>[] = [];
          let next: string | undefined;
          do {
            const query = { ...request.query, limit: PAGE, continue: next };
            const { metadata, items: found } = await object({ ...request, query }, page, signal);
            for (const one of found ?? []) items.push(one);
            next = metadata.continue === '' ? undefined : metadata.continue;
          } while (next !== undefined);
          return items;
        } catch (error) {
          // 410: the continue token outlived etcd's history; only a fresh list is consistent.
          if (!(error instanceof ClusterError) || error.status !== 410 || restarts >= 3) throw error;
        }
      }
    },
    requests: () => sent,
  };
}

/** Template tag: a path whose inserted segments are encoded, so that no name can change the path. */
export function apiPath(strings: TemplateStringsArray, ...segments: readonly string[]): string {
  return String.raw({ raw: strings }, ...segments.map((segment) => encodeURIComponent(segment)));
}

export function parseObject<S extends z.ZodType>(doing: string, server: string, body: string, schema: S): z.infer<S> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    throw unreadableAnswer(
      doing,
      server,
      `the API server answered with ${describeBody(body)} where JSON was expected`,
      error,
    );
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const at = issue?.path.map(String).join('.') ?? '';
  throw unreadableAnswer(
    doing,
    server,
    `the API server's answer has not the expected form: ${at === '' ? '' : `${at}: `}${issue?.message ?? 'unknown'}`,
    result.error,
  );
}

function isDenial(error: ClusterError): boolean {
  return error.status === 401 || error.status === 403;
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function urlOf(server: string, { path, query = {} }: KubeRequest): string {
  const url = new URL(`${server}${path}`);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}

function headersOf({ body, patch }: KubeRequest, userAgent: string): Record<string, string> {
  const type = body === undefined ? undefined : patch === undefined ? 'application/json' : PATCH_TYPES[patch];
  return {
    accept: 'application/json, */*',
    'user-agent': userAgent,
    ...(type === undefined ? {} : { 'content-type': type }),
  };
}

function afterWaiting(failure: ClusterError, waitedMs: number): ClusterError {
  return new ClusterError(`${failure.message} (still so after ${Math.round(waitedMs / 1000)} s of trying)`, {
    status: failure.status,
    reason: failure.reason,
    unavailable: failure.unavailable,
    ...(failure.remedy === undefined ? {} : { remedy: failure.remedy }),
    cause: failure,
  });
}
