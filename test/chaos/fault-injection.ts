import { Agent, createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Certificate, createCertificateAuthority } from '../../src/rehearsal/api/certificate.ts';
import type { Fault as ApiFault, FaultRule } from '../../src/rehearsal/api/faults.ts';
import type { Node } from '../../src/rehearsal/api/kinds.ts';
import { namespaces, nodes } from '../../src/rehearsal/api/resources.ts';
import type { Fault as HttpFault } from '../../src/rehearsal/services/fault.ts';
import type { Settings } from '../../src/settings/settings.ts';
import { etcdFault } from './etcd-faults.ts';
import type { FaultScene, ScenePhase } from './fault-scene.ts';
import { type Injection, NOTHING_TO_END, SHORT_MS } from './injection.ts';
import { commandFault, sshFault } from './node-faults.ts';

export const DEPENDENCIES = [
  'api',
  'ssh',
  'apt',
  'feed',
  'prometheus',
  'pushgateway',
  'slack',
  'registry',
  'etcd',
] as const;
export type Dependency = (typeof DEPENDENCIES)[number];

/** A fault begins with the phase, with the gate, with the watch over a node that is back in service, or when the phase has begun to change something; it stays, or is over after a moment. */
const WORDS = /^(.*?)( in the gate| before the cordon| in the middle| in the soak)?( for a moment)?$/;
/** Requests that meet a fault of a moment. */
const MOMENT_TIMES = 2;
/** The middle of what changes nothing: so many requests pass before it, or it begins with the first of a kind. */
const MIDDLE: Readonly<Partial<Record<ScenePhase, Pick<FaultRule, 'after' | 'from'>>>> = {
  check: { after: 3 },
  postflight: { from: /^\/readyz/ },
};

/** Makes a dependency fail in the words of the table. */
export async function inject(scene: FaultScene, dependency: Dependency, words: string): Promise<Injection> {
  const [, fault = '', , moment] = WORDS.exec(words) ?? [];
  const isMoment = moment !== undefined;
  switch (dependency) {
    case 'api':
      if (words === 'misrouted in the middle for a moment') return await apiMisrouted(scene);
      return fault.endsWith('certificate') ? await apiCertificate(scene, fault) : api(scene, words);
    case 'ssh':
      return sshFault(scene, fault, isMoment);
    case 'apt':
    case 'registry':
      return commandFault(scene, dependency, fault);
    case 'etcd':
      return etcdFault(scene, words);
    default:
      return fault === 'foreign certificate'
        ? await httpCertificate(dependency)
        : http(scene, dependency, fault, isMoment);
  }
}

function api(scene: FaultScene, words: string): Injection {
  const { server } = scene.cluster;
  const [, fault = '', start, moment] = WORDS.exec(words) ?? [];
  let hits = (): number => 0;
  const begin = ({ after = 0, from }: Pick<FaultRule, 'after' | 'from'> = {}): void => {
    const { length } = server.requests.records;
    hits = () => {
      const since = server.requests.records.slice(length);
      const first = from === undefined ? after : since.findIndex(({ path, query }) => from.test(`${path}?${query}`));
      return first < 0 ? 0 : since.length - first;
    };
    const times = moment === undefined ? {} : { times: MOMENT_TIMES };
    server.faults.add({ path: /./, after, ...(from === undefined ? {} : { from }), ...times, fault: apiFault(fault) });
  };
  const middle = MIDDLE[scene.phase];
  let end = (): void => undefined;
  if (start === undefined) begin();
  else if (start === ' in the gate') begin({ from: /\/deployments/ });
  else if (start === ' before the cordon') begin({ from: /\/pods\?.*spec\.nodeName/ });
  else if (start === ' in the soak') begin({ from: /\/events\?/ });
  else if (middle !== undefined) begin(middle);
  else end = onFirstChange(scene, begin);
  return {
    options: fault === 'hangs' ? { deadlines: { api: SHORT_MS } } : {},
    hits: () => hits(),
    end: () => {
      end();
      return Promise.resolve();
    },
  };
}

/** The first change of a phase: a cordon, or the record of the run. */
function onFirstChange({ cluster }: FaultScene, act: () => void): () => void {
  let isOver = false;
  return cluster.server.store.subscribe(({ resource, object }) => {
    const isCordon = resource === nodes && (object as Node).spec.unschedulable === true;
    const isRecord =
      resource === namespaces &&
      Object.keys(object.metadata.annotations ?? {}).some((key) => key.endsWith('in-flight'));
    if (isOver || !(isCordon || isRecord)) return;
    isOver = true;
    act();
  });
}

function apiFault(words: string): ApiFault {
  switch (words) {
    case 'refused':
      return { kind: 'refuse' };
    case 'hangs':
      return { kind: 'hang' };
    case 'empty':
    case 'garbage':
    case 'truncated':
      return { kind: words };
    case 'slow':
      return { kind: 'slow', ms: 10 };
    case '429':
      return { kind: 'status', code: 429, retryAfterSeconds: 0 };
    case '404':
      return { kind: 'default-back-end' };
    case '500 of etcd':
      return { kind: 'status', code: 500, message: 'etcdserver: leader changed' };
    case '500':
      return { kind: 'status', code: 500, message: 'runtime error: invalid memory address' };
    default:
      return { kind: 'status', code: Number(words) };
  }
}

/** The API server with a certificate of another authority, or with one that has expired. */
function apiCertificate(scene: FaultScene, words: string): Promise<Injection> {
  const foreign = createCertificateAuthority('somebody else');
  if (words === 'foreign certificate') {
    return Promise.resolve({ options: { caPem: foreign.certificatePem }, hits: () => 1, end: NOTHING_TO_END });
  }
  const expired = scene.cluster.server.certificateAuthority.issue({ commonName: 'kube-apiserver', days: -1 });
  return withServer(expired, (url, hits) => ({
    options: { agent: new Agent({ ca: scene.cluster.server.caPem }), apiUrl: url },
    hits,
  }));
}

/** Connections to the API server that arrive at somebody else's: kube-proxy without a rule, and a proxy in the network. */
async function apiMisrouted(scene: FaultScene): Promise<Injection> {
  const somebody = createCertificateAuthority('somebody else').issue({ commonName: 'somebody' });
  let end = (): void => undefined;
  const injection = await withServer(somebody, (url, hits) => {
    const agent = new MisroutingAgent(scene.cluster.server.caPem, Number(new URL(url).port));
    end = onFirstChange(scene, () => agent.misroute(MOMENT_TIMES));
    return { options: { agent }, hits };
  });
  return {
    ...injection,
    async end() {
      end();
      await injection.end();
    },
  };
}

class MisroutingAgent extends Agent {
  readonly #elsewhere: number;
  #left = 0;

  constructor(ca: string, elsewhere: number) {
    super({ keepAlive: true, ca });
    this.#elsewhere = elsewhere;
  }

  /** Only new connections go astray, so none that there is may be taken again. */
  misroute(times: number): void {
    this.#left = times;
    this.maxFreeSockets = 0;
    for (const sockets of Object.values(this.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }

  override createConnection(...[options, done]: Parameters<Agent['createConnection']>): Duplex | null | undefined {
    if (this.#left === 0) return super.createConnection(options, done);
    this.#left -= 1;
    return super.createConnection({ ...options, port: this.#elsewhere, host: '127.0.0.1' }, done);
  }
}

/** An HTTPS server on loopback that nobody has a reason to trust. */
async function httpCertificate(dependency: Dependency): Promise<Injection> {
  const certificate = createCertificateAuthority('somebody else').issue({ commonName: 'somebody' });
  return await withServer(certificate, (url, hits) => ({
    options: {
      settings: (settings: Settings): Settings => {
        switch (dependency) {
          case 'prometheus':
            return { ...settings, alerts: { ...settings.alerts, prometheusUrl: url } };
          case 'pushgateway':
            return { ...settings, pushgatewayUrl: url };
          default:
            return { ...settings, packages: { ...settings.packages, baseUrl: url } };
        }
      },
      ...(dependency === 'slack' ? { slackUrl: `${url}/services/T/B/secret` } : {}),
    },
    hits,
  }));
}

async function withServer(
  { certificatePem, privateKeyPem }: Certificate,
  make: (url: string, hits: () => number) => Pick<Injection, 'options' | 'hits'>,
): Promise<Injection> {
  let connections = 0;
  const server: Server = createServer({ cert: certificatePem, key: privateKeyPem }, (_request, response) =>
    response.end('{}'),
  );
  server.on('connection', () => (connections += 1));
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  return {
    ...make(`https://127.0.0.1:${port}`, () => connections),
    async end() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function http(scene: FaultScene, dependency: Dependency, words: string, isMoment: boolean): Injection {
  const { cluster } = scene;
  const server = {
    prometheus: cluster.prometheus,
    pushgateway: cluster.pushgateway,
    slack: cluster.slack,
    feed: cluster.feed,
  }[dependency as 'prometheus'];
  const before = server.requests.length;
  // A node's own programs wait for half a minute and more: only the detector's request hangs.
  const scope =
    dependency === 'feed' && words === 'hangs' ? { method: 'HEAD' } : words === 'no rules' ? { path: /rules$/ } : {};
  server.faults.inject(httpFault(words), { ...scope, ...(isMoment ? { times: 1 } : {}) });
  return {
    options: words === 'hangs' ? { deadlines: { [dependency]: SHORT_MS } } : {},
    hits: () => server.requests.slice(before).filter(({ outcome }) => outcome !== 'answered').length,
    end: NOTHING_TO_END,
  };
}

function httpFault(words: string): HttpFault {
  switch (words) {
    case 'refused':
      return { kind: 'refuse' };
    case 'hangs':
      return { kind: 'hang' };
    case 'empty':
    case 'garbage':
    case 'truncated':
      return { kind: words };
    case 'slow':
      return { kind: 'slow', delayMs: 60 };
    case 'redirect ring':
      return { kind: 'redirect-ring' };
    case 'foreign redirect':
      return { kind: 'redirect-foreign' };
    case 'no rules':
      return { kind: 'status', status: 200, body: '{"status":"success","data":{"groups":[]}}' };
    case '429':
      return { kind: 'status', status: 429, headers: { 'retry-after': '0' } };
    default:
      return { kind: 'status', status: Number(words) };
  }
}
