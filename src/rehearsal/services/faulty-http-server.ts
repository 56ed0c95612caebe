import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createFaultBook, type Fault, type Faults } from './fault.ts';

export interface ServiceRequest {
  readonly method: string;
  /** Percent-decoded, without query. */
  readonly path: string;
  /** As it came, for paths whose segments may hold encoded slashes. */
  readonly rawPath: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface RecordedRequest {
  readonly at: Date;
  readonly method: string;
  /** With query, as it came. */
  readonly target: string;
  /** 'answered' or the kind of fault that it met. */
  readonly outcome: string;
  /** The header. */
  readonly authorization: string | undefined;
}

export interface FaultyHttpServer {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly RecordedRequest[];
  readonly faults: Faults;
  close(): Promise<void>;
}

export interface FaultyHttpServerOptions {
  readonly handle: (request: ServiceRequest) => ServiceAnswer | Promise<ServiceAnswer>;
  /** 0 or absent: any free one. */
  readonly port?: number;
  readonly host?: string;
  readonly now?: () => Date;
}

const PORTAL = '<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n';
const RING = '/ring/';

/** A loopback HTTP server that answers with `handle`, keeps a record of what it was asked, and can be made to fail. */
export async function startFaultyHttpServer(options: FaultyHttpServerOptions): Promise<FaultyHttpServer> {
  const requests: RecordedRequest[] = [];
  const faults = createFaultBook();
  const closing = new AbortController();
  const now = options.now ?? (() => new Date());

  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await readRequest(incoming);
    const fault: Fault | undefined = request.path.startsWith(RING)
      ? { kind: 'redirect-ring' }
      : faults.take(request.method, request.path);
    requests.push({
      at: now(),
      method: request.method,
      target: incoming.url ?? '/',
      outcome: fault?.kind ?? 'answered',
      authorization: incoming.headers.authorization,
    });
    if (fault === undefined) return write(response, request, await options.handle(request));
    await misbehave(fault, incoming, response, request);
  };

  const misbehave = async (
    fault: Fault,
    incoming: IncomingMessage,
    response: ServerResponse,
    request: ServiceRequest,
  ): Promise<void> => {
    switch (fault.kind) {
      case 'refuse':
        incoming.socket.resetAndDestroy();
        return;
      case 'hang':
        return;
      case 'status':
        return write(response, request, {
          status: fault.status,
          body: fault.body ?? `${fault.status}\n`,
          ...(fault.headers === undefined ? {} : { headers: fault.headers }),
        });
      case 'empty':
        return write(response, request, { status: 200, body: '' });
      case 'garbage':
        return write(response, request, { status: 200, headers: { 'content-type': 'text/html' }, body: PORTAL });
      case 'truncated': {
        const answer = await options.handle(request);
        const body = Buffer.from(answer.body ?? '');
        response.writeHead(answer.status, { ...answer.headers, 'content-length': String(body.length + 1) });
        response.write(body.subarray(0, Math.floor(body.length / 2)), () => incoming.socket.destroy());
        return;
      }
      case 'slow':
        await delay(fault.delayMs, undefined, { signal: closing.signal });
        return write(response, request, await options.handle(request));
      case 'redirect-ring': {
        const location = `${RING}${request.path === `${RING}a` ? 'b' : 'a'}`;
        return write(response, request, { status: 302, headers: { location } });
      }
      case 'redirect-foreign':
        return write(response, request, {
          status: 302,
          headers: { location: fault.to ?? `http://packages.invalid${request.rawPath}` },
        });
    }
  };

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch((error: unknown) => {
      if (closing.signal.aborted || response.destroyed) return;
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(`rehearsal service failed: ${String(error)}\n`);
    });
  });
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.host ?? '127.0.0.1'}:${port}`,
    port,
    requests,
    faults,
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function readRequest(incoming: IncomingMessage): Promise<ServiceRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const url = new URL(incoming.url ?? '/', 'http://service');
  return {
    method: incoming.method ?? 'GET',
    path: decodeURIComponent(url.pathname),
    rawPath: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

function write(response: ServerResponse, request: ServiceRequest, answer: ServiceAnswer): void {
  const body = Buffer.from(answer.body ?? '');
  response.writeHead(answer.status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(body.length),
    ...answer.headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
