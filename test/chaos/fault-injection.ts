import { Agent, createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Certificate, createCertificateAuthority } from '../../src/rehearsal/api/certificate.ts';
import type { Fault as ApiFault } from '../../src/rehearsal/api/faults.ts';
import type { Node } from '../../src/rehearsal/api/kinds.ts';
import { namespaces, nodes } from '../../src/rehearsal/api/resources.ts';
import type { Fault as HttpFault } from '../../src/rehearsal/services/fault.ts';
import type { Settings } from '../../src/settings.ts';
import type { FaultScene, ScenePhase } from './fault-scene.ts';
import type { TcpFault } from './faulty-tcp.ts';
import type { InProcessOptions } from './in-process-deps.ts';

export const DEPENDENCIES = ['api', 'ssh', 'apt', 'feed', 'prometheus', 'pushgateway', 'slack', 'registry'] as const;
export type Dependency = (typeof DEPENDENCIES)[number];

export interface Injection {
  /** What the phase is run with: another address, a shorter deadline, another key. */
  readonly options: Partial<InProcessOptions>;
  /** How often the fault was met: a case in which it never was proves nothing. */
  hits(): number;
  end(): Promise<void>;
}

/** A fault begins with the phase, or when it has begun to change something; it stays, or is over after a moment. */
const WORDS = /^(.*?)( in the middle)?( for a moment)?$/;
/** Requests that meet a fault of a moment. */
const MOMENT_TIMES = 2;
/** Requests of a phase that changes nothing which pass before its middle. */
const MIDDLE: Readonly<Partial<Record<ScenePhase, number>>> = { check: 3, postflight: 14 };
const SHORT_MS = 400;

/** Makes a dependency fail in the words of the table. */
export async function inject(scene: FaultScene, dependency: Dependency, words: string): Promise<Injection> {
  const [, fault = '', , moment] = WORDS.exec(words) ?? [];
  const isMoment = moment !== undefined;
  switch (dependency) {
    case 'api':
      return fault.endsWith('certificate') ? await apiCertificate(scene, fault) : api(scene, words);
    case 'ssh':
      return ssh(scene, fault, isMoment);
    case 'apt':
    case 'registry':
      return command(scene, dependency, fault);
    default:
      return fault === 'foreign certificate'
        ? await httpCertificate(dependency)
        : http(scene, dependency, fault, isMoment);
  }
}

const NOTHING_TO_END = (): Promise<void> => Promise.resolve();

function api(scene: FaultScene, words: string): Injection {
  const { server } = scene.cluster;
  const [, fault = '', middle, moment] = WORDS.exec(words) ?? [];
  let begun: number | undefined;
  const begin = (after: number): void => {
    begun = server.requests.records.length + after;
    const times = moment === undefined ? {} : { times: MOMENT_TIMES };
    server.faults.add({ path: /./, after, ...times, fault: apiFault(fault) });
  };
  const count = MIDDLE[scene.phase];
  let end = (): void => undefined;
  if (middle === undefined) begin(0);
  else if (count !== undefined) begin(count);
  else end = onFirstChange(scene, () => begin(0));
  return {
    options: fault === 'hangs' ? { deadlines: { api: SHORT_MS } } : {},
    hits: () => (begun === undefined ? 0 : server.requests.records.length - begun),
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

function ssh(scene: FaultScene, words: string, isMoment: boolean): Injection {
  const { nodes: all } = scene.cluster;
  switch (words) {
    case 'refused':
      // Nothing listens on this port of the nodes.
      return {
        options: {
          settings: (settings) => ({ ...settings, ssh: { ...settings.ssh, port: 1 } }),
          knownHosts: all.knownHosts.replaceAll(/:\d+ /g, ':1 '),
        },
        hits: () => 1,
        end: NOTHING_TO_END,
      };
    case 'foreign host key': {
      const foreign = all.knownHosts
        .split('\n')
        .toReversed()
        .map((line) => line.split(' ').slice(1).join(' '));
      const names = all.knownHosts
        .split('\n')
        .map((line) => line.split(' ')[0] ?? '')
        .filter((name) => name !== '');
      const keys = foreign.filter((key) => key !== '');
      const knownHosts = names
        .map((name, index) => `${name.replace(/:\d+$/, `:${scene.ssh.port}`)} ${keys[index] ?? ''}`)
        .join('\n');
      // Of three nodes the middle one keeps its own key; the first and the last have each other's.
      return { options: { knownHosts }, hits: () => 1, end: NOTHING_TO_END };
    }
    case 'no host key pinned':
      return { options: { knownHosts: '' }, hits: () => 1, end: NOTHING_TO_END };
    case 'login refused':
      return {
        options: { settings: (settings) => ({ ...settings, ssh: { ...settings.ssh, user: 'nobody' } }) },
        hits: () => 1,
        end: NOTHING_TO_END,
      };
    case 'sudo wants a password':
      for (const node of all.nodes) node.setSudoNeedsPassword(true);
      return {
        options: {},
        hits: () => 1,
        end: () => {
          for (const node of all.nodes) node.setSudoNeedsPassword(false);
          return Promise.resolve();
        },
      };
    default:
      scene.ssh.set(words as TcpFault, isMoment ? 1 : undefined);
      return {
        options: words === 'hangs' ? { deadlines: { ssh: SHORT_MS } } : {},
        hits: scene.ssh.hits,
        end: NOTHING_TO_END,
      };
  }
}

const APT_CERTIFICATE =
  'E: Failed to fetch https://packages.invalid/InRelease  Certificate verification failed: The certificate is NOT trusted. The certificate chain uses expired certificate.\n';

/** Programs of a node that cannot reach what they need, in their own words. */
function command(scene: FaultScene, dependency: 'apt' | 'registry', words: string): Injection {
  const { commands, nodes } = scene.cluster.nodes;
  const before = commands.records.length;
  const match = dependency === 'apt' ? /^apt-get .*(update|install)/ : /^kubeadm config images pull/;
  const hits = (): number =>
    commands.records
      .slice(before)
      .filter(({ argv }) => (words.includes('madison') ? /madison/ : match).test(argv.join(' '))).length;
  const rule = (stderr: string, more: { stdout?: string; waitMs?: number; exitCode?: number } = {}): Injection => {
    commands.fail({ match, exitCode: dependency === 'apt' ? 100 : 1, stderr, ...more });
    return { options: {}, hits, end: NOTHING_TO_END };
  };
  const pull = (why: string): string =>
    `failed to pull image "registry.k8s.io/kube-apiserver:v1.36.4": rpc error: code = Unknown desc = failed to pull and unpack image: ${why}\n`;
  if (dependency === 'registry') {
    switch (words) {
      case 'refused':
        return rule(pull('dial tcp 203.0.113.7:443: connect: connection refused'));
      case 'hangs':
        return rule(pull('context deadline exceeded'), { waitMs: SHORT_MS });
      case '500':
        return rule(pull('unexpected status from HEAD request: 500 Internal Server Error'));
      case '429':
        return rule(pull('unexpected status from HEAD request: 429 Too Many Requests'));
      case 'empty':
      case 'garbage':
        return rule(pull("failed to decode manifest: invalid character '<' looking for beginning of value"));
      case 'truncated':
        return rule(pull('short read: expected 31457280 bytes but got 1048576: unexpected EOF'));
      case 'slow':
        commands.fail({ match, waitMs: SHORT_MS });
        return { options: {}, hits, end: NOTHING_TO_END };
      case 'redirect ring':
        return rule(pull('Get "https://registry.invalid/v2/": stopped after 10 redirects'));
      case 'expired certificate':
        return rule(pull('tls: failed to verify certificate: x509: certificate has expired or is not yet valid'));
      default:
        for (const { knobs } of nodes) knobs.missingImages.add('registry.k8s.io/kube-scheduler:v1.36.4');
        return { options: {}, hits, end: NOTHING_TO_END };
    }
  }
  switch (words) {
    case 'refused':
      return rule(
        'E: Failed to fetch https://packages.invalid/InRelease  Could not connect to packages.invalid:443 (203.0.113.7). - connect (111: Connection refused)\n',
      );
    case 'hangs':
      return rule('E: Failed to fetch https://packages.invalid/InRelease  Connection timed out\n', {
        waitMs: SHORT_MS,
      });
    case '500':
      return rule('E: Failed to fetch https://packages.invalid/InRelease  500  Internal Server Error\n');
    case '429':
      return rule('E: Failed to fetch https://packages.invalid/InRelease  429  Too Many Requests\n');
    case 'slow':
      commands.fail({ match, waitMs: SHORT_MS });
      return { options: {}, hits, end: NOTHING_TO_END };
    case 'expired certificate':
      return rule(APT_CERTIFICATE);
    case 'lock held':
      for (const { knobs } of nodes) knobs.aptLockUntil = Date.now() + 3_600_000;
      return {
        options: {
          settings: (settings) => ({ ...settings, packages: { ...settings.packages, lockTimeoutSeconds: 0 } }),
        },
        hits,
        end: NOTHING_TO_END,
      };
    case 'broken signature':
      for (const { knobs } of nodes) knobs.brokenSignature = true;
      return { options: {}, hits, end: NOTHING_TO_END };
    case 'disk full':
      for (const { knobs } of nodes) knobs.freeBytes = 1e6;
      return { options: {}, hits: () => 1, end: NOTHING_TO_END };
    case 'empty madison':
      commands.fail({ match: /^apt-cache .*madison/, exitCode: 0 });
      return { options: {}, hits, end: NOTHING_TO_END };
    case 'garbage madison':
      commands.fail({ match: /^apt-cache .*madison/, exitCode: 0, stdout: '<html>Sign in</html>\n' });
      return { options: {}, hits, end: NOTHING_TO_END };
    case 'truncated madison':
      commands.fail({ match: /^apt-cache .*madison/, exitCode: 0, stdout: '   kubeadm | 1.36.4-1' });
      return { options: {}, hits, end: NOTHING_TO_END };
    default:
      throw new Error(`no such fault of ${dependency}: ${words}`);
  }
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
  const scope = dependency === 'feed' && words === 'hangs' ? { method: 'HEAD' } : {};
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
    case '429':
      return { kind: 'status', status: 429, headers: { 'retry-after': '0' } };
    default:
      return { kind: 'status', status: Number(words) };
  }
}
