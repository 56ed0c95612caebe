import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCertificateAuthority } from '../../src/rehearsal/api/certificate.ts';

export interface EtcdOptions {
  readonly newInCluster?: boolean;
  readonly expiredCertificate?: boolean;
  readonly quotaBytes?: number;
}

export interface EtcdAnswer {
  readonly words: readonly string[];
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Real etcd members cp1, cp2 … with certificates as kubeadm lays them out, each on a loopback address of its own. */
export interface EtcdMembers extends AsyncDisposable {
  readonly programs: string;
  /** Holds ca.crt, server, healthcheck-client and expired (.crt, .key), and each member's data by its name. */
  readonly directory: string;
  addressOf(name: string): string;
  pidOf(name: string): number | undefined;
  start(name: string, cluster: readonly string[], options?: EtcdOptions): void;
  stop(name: string): Promise<void>;
  /** Forgets the data of a member that has stopped. */
  forget(name: string): void;
  /** Asks by way of cp1. */
  etcdctl(args: readonly string[], client?: string): EtcdAnswer;
  /** @throws when not so many members answer well within ten seconds. */
  untilHealthy(count: number): Promise<void>;
}

/** `network`: the first three numbers of the addresses, so that two of these can run side by side. */
export function createEtcdMembers(programs: string, network: string): EtcdMembers {
  const directory = mkdtempSync(join(tmpdir(), 'nightlift-etcd-'));
  const authority = createCertificateAuthority('etcd-ca');
  const running = new Map<string, ChildProcess>();
  const addressOf = (name: string): string => `${network}.${10 + Number(name.slice(2))}`;
  const writeCertificate = (file: string, days: number): void => {
    const ipAddresses = ['127.0.0.1', ...['cp1', 'cp2', 'cp3', 'cp4'].map(addressOf)];
    const { certificatePem, privateKeyPem } = authority.issue({ commonName: file, ipAddresses, days });
    writeFileSync(join(directory, `${file}.crt`), certificatePem);
    writeFileSync(join(directory, `${file}.key`), privateKeyPem);
  };
  writeFileSync(join(directory, 'ca.crt'), authority.certificatePem);
  for (const file of ['server', 'healthcheck-client']) writeCertificate(file, 365);
  writeCertificate('expired', -1);

  const killAll = (): void => {
    for (const child of running.values()) child.kill('SIGKILL');
  };
  // A test run that is interrupted must not leave servers behind.
  process.on('exit', killAll);

  const stop = async (name: string): Promise<void> => {
    const child = running.get(name);
    running.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once('close', done));
    child.kill('SIGKILL');
    await gone;
  };
  const etcdctl = (args: readonly string[], client = 'healthcheck-client'): EtcdAnswer => {
    const tls = ['--cacert', 'ca.crt', '--cert', `${client}.crt`, '--key', `${client}.key`];
    const words = ['--command-timeout=5s', '--endpoints', `https://${addressOf('cp1')}:2379`, ...tls, ...args];
    const answer = spawnSync(join(programs, 'etcdctl'), words, { cwd: directory, encoding: 'utf8' });
    return { words, exitCode: answer.status ?? 255, stdout: answer.stdout, stderr: answer.stderr };
  };
  return {
    programs,
    directory,
    addressOf,
    pidOf: (name) => running.get(name)?.pid,
    stop,
    etcdctl,
    start(name, cluster, options = {}) {
      const client = `https://${addressOf(name)}:2379`;
      const peer = `https://${addressOf(name)}:2380`;
      const certificate = options.expiredCertificate === true ? 'expired' : 'server';
      const child = spawn(
        join(programs, 'etcd'),
        [
          [`--name=${name}`, `--data-dir=${join(directory, name)}`],
          [`--listen-client-urls=${client}`, `--advertise-client-urls=${client}`],
          [`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`],
          [`--initial-cluster=${cluster.map((one) => `${one}=https://${addressOf(one)}:2380`).join(',')}`],
          [`--initial-cluster-state=${options.newInCluster === true ? 'existing' : 'new'}`],
          [`--cert-file=${certificate}.crt`, `--key-file=${certificate}.key`, '--trusted-ca-file=ca.crt'],
          ['--client-cert-auth', '--peer-client-cert-auth', '--peer-trusted-ca-file=ca.crt'],
          ['--peer-cert-file=server.crt', '--peer-key-file=server.key'],
          ['--unsafe-no-fsync', '--log-level=panic'],
          options.quotaBytes === undefined ? [] : [`--quota-backend-bytes=${options.quotaBytes}`],
        ].flat(),
        { cwd: directory, stdio: 'ignore' },
      );
      running.set(name, child);
    },
    forget: (name) => rmSync(join(directory, name), { recursive: true, force: true }),
    async untilHealthy(count) {
      for (let attempt = 0; attempt < 100; attempt += 1) {
        const { stdout } = etcdctl(['endpoint', 'health', '--cluster', '-w', 'json']);
        if ([...stdout.matchAll(/"health":true/g)].length === count) return;
        await new Promise((done) => setTimeout(done, 100));
      }
      throw new Error(`waiting for ${count} healthy members of etcd: not within ten seconds`);
    },
    async [Symbol.asyncDispose]() {
      process.off('exit', killAll);
      for (const name of running.keys()) await stop(name);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
