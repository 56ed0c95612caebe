import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { createCertificateAuthority } from '../../src/rehearsal/api/certificate.ts';
import { kubeconfigFor } from '../../src/rehearsal/api/kubeconfig.ts';
import { kubePrograms, type MissingPrograms } from './kube-programs.ts';

export interface ControlPlaneOptions {
  /** Default 1.36.4. */
  readonly version?: string;
  /** Further arguments of kube-apiserver: audit log, admission plugins. */
  readonly apiServerArguments?: readonly string[];
  /** Further bearer tokens: token → `user,groups…`. */
  readonly tokens?: Readonly<Record<string, { readonly user: string; readonly groups: readonly string[] }>>;
  /** false: nothing of controller-manager and scheduler, which would take away what was made up. Default true. */
  readonly controllers?: boolean;
}

export interface ControlPlane {
  readonly version: string;
  readonly url: string;
  readonly etcdUrl: string;
  readonly caPem: string;
  readonly adminToken: string;
  /** Programs, keys, logs; removed by `close`. */
  readonly directory: string;
  readonly programs: string;
  kubeconfig(token?: string): string;
  readonly kubeconfigPath: string;
  close(): Promise<void>;
}

const READY_MS = 60_000;

/** A real etcd, kube-apiserver, controller-manager and scheduler on loopback ports, without nodes; or why there is none. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane | MissingPrograms> {
  const programs = await kubePrograms(options.version);
  if ('missing' in programs) return programs;
  const directory = mkdtempSync(join(tmpdir(), 'nightlift-control-plane-'));
  const children: ChildProcess[] = [];
  const start = (program: string, args: readonly string[]): void => {
    const log = openSync(join(directory, `${program}.log`), 'w');
    const child = spawn(join(programs.directory, program), args, {
      stdio: ['ignore', log, log],
      argv0: program,
      cwd: directory,
    });
    children.push(child);
  };
  const close = async (): Promise<void> => {
    process.off('exit', killAll);
    await Promise.all([...children].reverse().map(end));
    rmSync(directory, { recursive: true, force: true });
  };
  const killAll = (): void => {
    for (const child of children) child.kill('SIGKILL');
  };
  // A test run that is interrupted must not leave servers behind.
  process.on('exit', killAll);

  try {
    const [etcdPort = 0, peerPort = 0, apiPort = 0] = await freePorts(3);
    const adminToken = randomBytes(16).toString('hex');
    const { caPem } = writeKeys(directory, adminToken, options.tokens ?? {});
    const url = `https://127.0.0.1:${apiPort}`;
    const kubeconfigPath = join(directory, 'kubeconfig');
    writeFileSync(kubeconfigPath, kubeconfigFor(url, caPem, adminToken), { mode: 0o600 });
    start('etcd', etcdArguments(directory, etcdPort, peerPort));
    start('kube-apiserver', [
      ...apiServerArguments(directory, etcdPort, apiPort),
      ...(options.apiServerArguments ?? []),
    ]);
    await waitReady(url, caPem, children, directory);
    const common = ['--kubeconfig', kubeconfigPath, '--leader-elect=false', '--secure-port', '0'];
    if (options.controllers !== false) {
      start('kube-controller-manager', [
        ...common,
        '--service-account-private-key-file',
        'sa.key',
        '--root-ca-file',
        'ca.crt',
        '--use-service-account-credentials=false',
      ]);
      start('kube-scheduler', common);
    }
    const kubeconfig = (token = adminToken): string => kubeconfigFor(url, caPem, token);
    return {
      version: programs.version,
      url,
      etcdUrl: `http://127.0.0.1:${etcdPort}`,
      caPem,
      adminToken,
      directory,
      programs: programs.directory,
      kubeconfig,
      kubeconfigPath,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function writeKeys(
  directory: string,
  adminToken: string,
  tokens: NonNullable<ControlPlaneOptions['tokens']>,
): { caPem: string } {
  const ca = createCertificateAuthority('kubernetes');
  const serving = ca.issue({ commonName: 'kube-apiserver' });
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const lines = Object.entries(tokens).map(
    ([token, { user, groups }]) => `${token},${user},${user},"${groups.join(',')}"`,
  );
  const files = {
    'ca.crt': ca.certificatePem,
    'serving.crt': serving.certificatePem,
    'serving.key': serving.privateKeyPem,
    'sa.key': keys.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    'sa.pub': keys.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    'tokens.csv': `${[`${adminToken},admin,admin,system:masters`, ...lines].join('\n')}\n`,
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content, { mode: 0o600 });
  return { caPem: ca.certificatePem };
}

function etcdArguments(directory: string, port: number, peerPort: number): string[] {
  const client = `http://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  return [
    ['--data-dir', join(directory, 'etcd')],
    ['--listen-client-urls', client, '--advertise-client-urls', client],
    ['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`],
    ['--unsafe-no-fsync', '--log-level', 'warn'],
  ].flat();
}

function apiServerArguments(directory: string, etcdPort: number, apiPort: number): string[] {
  return [
    ['--etcd-servers', `http://127.0.0.1:${etcdPort}`, '--secure-port', String(apiPort)],
    ['--bind-address', '127.0.0.1', '--advertise-address', '127.0.0.1', '--endpoint-reconciler-type', 'none'],
    ['--tls-cert-file', 'serving.crt', '--tls-private-key-file', 'serving.key', '--cert-dir', directory],
    ['--service-account-issuer', 'https://kubernetes.default.svc', '--service-account-key-file', 'sa.pub'],
    ['--service-account-signing-key-file', 'sa.key', '--service-cluster-ip-range', '10.96.0.0/16'],
    ['--authorization-mode', 'RBAC', '--token-auth-file', 'tokens.csv'],
  ].flat();
}

async function waitReady(
  url: string,
  caPem: string,
  children: readonly ChildProcess[],
  directory: string,
): Promise<void> {
  const dispatcher = new Agent({ connect: { ca: caPem } });
  const deadline = Date.now() + READY_MS;
  try {
    while (Date.now() < deadline) {
      const dead = children.find((child) => child.exitCode !== null || child.signalCode !== null);
      if (dead !== undefined) break;
      const answer = await request(`${url}/readyz`, { dispatcher }).catch(() => undefined);
      await answer?.body.dump();
      if (answer?.statusCode === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    await dispatcher.close();
  }
  const log = readFileSync(join(directory, 'kube-apiserver.log'), 'utf8').split('\n').slice(-15).join('\n');
  throw new Error(
    `Starting the real control plane: kube-apiserver was not ready within ${READY_MS / 1000} s; its last lines:\n${log}`,
  );
}

/** Ports that were free a moment ago; all are held until the last one is known, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  // Nothing of it is kept: there is nothing to shut down gracefully.
  child.kill('SIGKILL');
  await gone;
}
