import type { Dispatcher, request as Request } from 'undici';
import { NightliftError, reasonOf } from '../errors.ts';
import { redactUrl } from './redact-url.ts';

export interface FetchTextOptions {
  readonly signal: AbortSignal;
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For everything: redirects and body included. */
  readonly deadlineMs?: number;
  /** A body that is larger is an error. */
  readonly maxBytes?: number;
  /** host or host:port that a redirect may lead to, besides the first one's own. */
  readonly allowedHosts?: readonly string[];
  /** What a message calls the address when the URL itself is a secret. */
  readonly name?: string;
}

export interface TextAnswer {
  readonly status: number;
  /** Where the answer came from at last, credentials and query removed. */
  readonly url: string;
  readonly contentType: string;
  readonly retryAfterMs: number | undefined;
  readonly body: string;
}

export type FetchText = (address: string, options: FetchTextOptions) => Promise<TextAnswer>;

const DEADLINE_MS = 30_000;
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_HOPS = 5;

/**
 * One answer, whatever its status, with redirects followed here and not by the HTTP library (I14): only to hosts on the
 * list, never from https down to http, never round in circles. @throws NightliftError (network).
 */
export async function fetchText(address: string, options: FetchTextOptions): Promise<TextAnswer> {
  const say = (url: URL): string => options.name ?? redactUrl(url);
  const first = parseAddress(address, options.name);
  const allowed = new Set([first.host, ...(options.allowedHosts ?? []).map((host) => host.toLowerCase())]);
  // Loaded here, because it costs a command 50 ms that may never fetch anything; and before the clock starts to run.
  const { request } = await import('undici');
  const deadline = AbortSignal.timeout(options.deadlineMs ?? DEADLINE_MS);
  const signal = AbortSignal.any([options.signal, deadline]);
  const visited = new Set<string>();
  let url = first;
  for (;;) {
    visited.add(url.href);
    const { answer, location } = await exchange(request, url, first, options, signal).catch((error: unknown) => {
      options.signal.throwIfAborted();
      const ms = options.deadlineMs ?? DEADLINE_MS;
      throw network(say(url), deadline.aborted ? `no answer within ${ms / 1000} s` : reasonOf(error), error);
    });
    if (location === undefined) return answer;
    const next = nextHop(url, location, say);
    if (visited.has(next.href)) throw network(say(url), `the redirects lead in a ring back to ${say(next)}`);
    if (visited.size > MAX_HOPS)
      throw network(say(first), `more than ${MAX_HOPS} redirects, the last one to ${say(next)}`);
    if (!allowed.has(next.host)) {
      throw network(say(url), `it redirects to ${next.host}, which is not on the list of allowed hosts`, undefined, {
        remedy: 'Check that this is your package source; add the host to the allowed redirect hosts when it is.',
      });
    }
    if (first.protocol === 'https:' && next.protocol !== 'https:') {
      throw network(say(url), `it redirects from https down to ${next.protocol}//${next.host}`);
    }
    if (options.method === 'POST' || options.method === 'DELETE')
      throw network(say(url), `it redirects to ${say(next)}, and what is sent is not sent on`);
    url = next;
  }
}

async function exchange(
  request: typeof Request,
  url: URL,
  first: URL,
  options: FetchTextOptions,
  signal: AbortSignal,
): Promise<{ answer: TextAnswer; location: string | undefined }> {
  const credentials =
    first.username === '' ? '' : `${decodeURIComponent(first.username)}:${decodeURIComponent(first.password)}`;
  // Credentials are for the host that they were written for, not for wherever it redirects.
  const own = url.host === first.host ? { ...options.headers, ...basic(credentials) } : {};
  const response = await request(`${url.origin}${url.pathname}${url.search}`, {
    method: options.method ?? 'GET',
    headers: { 'accept-encoding': 'identity', ...own },
    ...(options.body === undefined ? {} : { body: options.body }),
    signal,
  });
  const isRedirect = [301, 302, 303, 307, 308].includes(response.statusCode);
  const location = isRedirect ? headerOf(response, 'location') : undefined;
  if (isRedirect && location === undefined) throw new Error(`HTTP ${response.statusCode} without a Location`);
  const body = await readBody(response, options.maxBytes ?? MAX_BYTES);
  const seconds = Number(headerOf(response, 'retry-after') ?? Number.NaN);
  return {
    location,
    answer: {
      status: response.statusCode,
      url: redactUrl(url),
      contentType: headerOf(response, 'content-type') ?? '',
      retryAfterMs: seconds >= 0 ? seconds * 1000 : undefined,
      body,
    },
  };
}

async function readBody({ body }: Dispatcher.ResponseData, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      body.destroy();
      throw new Error(`the answer is larger than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function headerOf({ headers }: Dispatcher.ResponseData, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function basic(credentials: string): Record<string, string> {
  return credentials === '' ? {} : { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

function parseAddress(address: string, name: string | undefined): URL {
  const url = URL.parse(address);
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new NightliftError(
    'config',
    `fetching ${name ?? `"${redactUrl(address)}"`}: this is no http or https address`,
    {
      remedy: 'Give an absolute URL, for example https://pkgs.k8s.io/core:/stable:',
    },
  );
}

function nextHop(from: URL, location: string, say: (url: URL) => string): URL {
  const next = URL.parse(location, from.href);
  if (next === null || (next.protocol !== 'http:' && next.protocol !== 'https:')) {
    throw network(say(from), 'it redirects to something that is no http or https address');
  }
  return next;
}

function network(where: string, problem: string, cause?: unknown, details: { remedy?: string } = {}): NightliftError {
  return new NightliftError('network', `fetching ${where}: ${problem}`, {
    remedy: details.remedy ?? 'Check the address in the settings, and that it can be reached from here.',
    ...(cause === undefined ? {} : { cause }),
  });
}
