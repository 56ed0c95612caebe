import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Access, Identity } from './access.ts';
import { requestToken, reviewAccess } from './access-review.ts';
import { discoveryDocument } from './discovery.ts';
import { answerError, type Exchange, sendJson, sendText } from './exchange.ts';
import { meetFault } from './fault-answer.ts';
import type { Faults } from './faults.ts';
import { handleWrite } from './handlers.ts';
import type { Workload } from './kinds.ts';
import { listObjects } from './list.ts';
import { servePodLog } from './pod-log-response.ts';
import type { PodLogs } from './pod-logs.ts';
import { readBody } from './request-body.ts';
import type { RequestLog, RequestRecord } from './request-log.ts';
import { serviceAccounts, services } from './resources.ts';
import { parseRoute, type Route } from './routes.ts';
import { scaleOf } from './scale.ts';
import { AppliedFields } from './server-side-apply.ts';
import { proxiedService, serveProxy } from './service-proxy.ts';
import { methodNotAllowed, qualified, StatusError, unauthorized, unknownResource } from './status-error.ts';
import type { Store } from './store.ts';
import { tableOf, wantsTable } from './table.ts';
import { serveWatch } from './watch.ts';
import type { ApiAnswer } from './write-request.ts';

export interface Backend {
  readonly store: Store;
  readonly access: Access;
  readonly podLogs: PodLogs;
  readonly requests: RequestLog;
  readonly faults: Faults;
}

const HEALTH_PATHS: ReadonlySet<string> = new Set(['/readyz', '/livez', '/healthz']);
const REVIEW_PATH = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

/** From an HTTP request to its answer: fault, log, who asks, what is asked, may it, do it. */
export class ApiResponder {
  readonly #backend: Backend;
  readonly #streams = new Set<() => void>();
  readonly #applied = new AppliedFields();
  #version: string;

  constructor(backend: Backend, version: string) {
    this.#backend = backend;
    this.#version = version;
  }

  setVersion(version: string): void {
    this.#version = version;
  }

  /** Ends the watches and followed logs. */
  close(): void {
    for (const end of this.#streams) end();
    this.#streams.clear();
  }

  /** Never rejects: what goes wrong is the client's answer. */
  async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET';
    const url = new URL(request.url ?? '/', 'https://localhost');
    const record: RequestRecord = {
      at: this.#backend.store.now().toISOString(),
      method,
      path: url.pathname,
      query: url.search,
      userAgent: request.headers['user-agent'] ?? '',
      user: '',
      status: 0,
    };
    this.#backend.requests.add(record);
    const fault = this.#backend.faults.next(method, `${url.pathname}${url.search}`);
    const exchange: Exchange = { method, url, request, response, record, fault };
    response.on('error', () => response.destroy());
    try {
      if (fault !== undefined && (await meetFault(exchange, fault))) return;
      await this.#serve(exchange);
    } catch (error) {
      answerError(exchange, error);
    }
  }

  async #serve(exchange: Exchange): Promise<void> {
    const { url, request, record, method } = exchange;
    const identity = this.#backend.access.identityOf(request.headers.authorization);
    record.user = identity?.user ?? '';
    if (HEALTH_PATHS.has(url.pathname)) return sendText(exchange, 200, healthText(url));
    if (identity === undefined) throw unauthorized();
    const body = method === 'GET' ? '' : await readBody(request);
    if (url.pathname === '/version') return sendJson(exchange, { code: 200, body: versionInfo(this.#version) });
    if (url.pathname === REVIEW_PATH && method === 'POST') {
      return sendJson(exchange, { code: 201, body: reviewAccess(this.#backend.access, identity, body) });
    }
    const discovery = method === 'GET' ? discoveryDocument(url.pathname) : undefined;
    if (discovery !== undefined) return sendJson(exchange, { code: 200, body: discovery });
    const proxied = proxiedService(url);
    if (proxied !== undefined && method === 'GET') {
      const { name, namespace } = proxied;
      this.#authorize(identity, { resource: services, name, namespace, subresource: 'proxy' }, 'get');
      return await serveProxy(this.#backend.store, exchange, proxied);
    }
    const route = parseRoute(url.pathname);
    if (route === undefined) return sendText(exchange, 404, '404 page not found\n');
    if (route === 'unknown resource') throw unknownResource();
    this.#authorize(identity, route, verbOf(exchange, route));
    if (method === 'GET') return this.#read(exchange, route);
    sendJson(exchange, this.#write(exchange, route, body));
  }

  #write({ method, url, request }: Exchange, route: Route, body: string): ApiAnswer {
    const { store, access } = this.#backend;
    const { resource, name, namespace = '', subresource } = route;
    if (subresource === 'token' && name !== undefined) {
      store.read(serviceAccounts, name, namespace);
      return { code: 201, body: requestToken(access, { namespace, name }, store.now()) };
    }
    if (resource.subresources.length === 0 && subresource !== undefined) throw methodNotAllowed();
    const contentType = request.headers['content-type'] ?? '';
    return handleWrite(store, this.#applied, route, { method, query: url.searchParams, contentType, body });
  }

  #read(exchange: Exchange, route: Route): void {
    const { store, podLogs } = this.#backend;
    const { resource, name, namespace, subresource } = route;
    const query = exchange.url.searchParams;
    if (isWatch(exchange)) {
      exchange.record.status = 200;
      const end = serveWatch(store, { resource, namespace, name, query }, exchange.response);
      this.#keep(exchange.response, end);
      return;
    }
    if (name === undefined) {
      const list = listObjects(store, resource, namespace, query);
      return sendJson(exchange, {
        code: 200,
        body: wantsTable(exchange.request.headers.accept) ? tableOf(list) : list,
      });
    }
    if (subresource === 'log') {
      exchange.record.status = 200;
      const end = servePodLog(store, podLogs, { name, namespace: namespace ?? '', query }, exchange.response);
      this.#keep(exchange.response, end);
      return;
    }
    if (subresource === 'eviction') throw methodNotAllowed();
    const object = store.read(resource, name, namespace);
    // Only workloads have a scale subresource; the table's rows say so.
    const body = subresource === 'scale' ? scaleOf(object as Workload) : object;
    sendJson(exchange, { code: 200, body });
  }

  #keep(response: ServerResponse, end: () => void): void {
    this.#streams.add(end);
    response.on('close', () => this.#streams.delete(end));
  }

  #authorize(identity: Identity, route: Route, verb: string): void {
    const { resource, name, namespace, subresource } = route;
    const full = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
    // A Namespace is in itself: a Role there may grant it (k8s.io/apiserver `request/requestinfo.go`).
    const within = namespace ?? (resource.kind === 'Namespace' ? name : undefined);
    const place = within === undefined ? {} : { namespace: within };
    const named = name === undefined ? {} : { name };
    if (this.#backend.access.allows(identity, { verb, group: resource.group, resource: full, ...named, ...place }))
      return;
    const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
    const subject = qualified(resource.group, resource.plural);
    const what = name === undefined ? subject : `${subject} "${name}"`;
    const message = `${what} is forbidden: User "${identity.user}" cannot ${verb} resource "${full}" in API group "${resource.group}" ${where}`;
    const group = resource.group === '' ? {} : { group: resource.group };
    throw new StatusError(403, 'Forbidden', message, { ...named, ...group, kind: resource.plural });
  }
}

function healthText({ pathname, searchParams }: URL): string {
  return searchParams.has('verbose') ? `[+]ping ok\n[+]etcd ok\n${pathname.slice(1)} check passed\n` : 'ok';
}

function isWatch({ url }: Exchange): boolean {
  return ['true', '1'].includes(url.searchParams.get('watch') ?? '');
}

function verbOf(exchange: Exchange, { name }: Route): string {
  switch (exchange.method) {
    case 'GET':
      if (isWatch(exchange)) return 'watch';
      return name === undefined ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return name === undefined ? 'deletecollection' : 'delete';
    default:
      throw methodNotAllowed();
  }
}

/** A version as `/version` gives it. */
function versionInfo(gitVersion: string): unknown {
  const [major = '', minor = ''] = gitVersion.slice(1).split('.');
  return {
    major,
    minor,
    gitVersion,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '',
    goVersion: '',
    compiler: 'gc',
    platform: 'linux/amd64',
  };
}
