import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createCertificateAuthority } from '../src/rehearsal/api/certificate.ts';

/**
 * How long the bundled program takes from its start to its first API request, and how much memory it has by then,
 * beside a Node that does nothing in the same run: the ratio says more than milliseconds on somebody's machine.
 * Run it after `npm run build`: node bench/start.ts [ROUNDS]
 */
const ROUNDS = Number(process.argv[2] ?? 9);
const BUNDLE = resolve(import.meta.dirname, '../dist/nightlift.cjs');
const ACCOUNT = 'var/run/secrets/kubernetes.io/serviceaccount';
const BUDGET = { milliseconds: 150, megabytes: 100 };

interface Start {
  readonly milliseconds: number;
  /** Of the main thread alone: what is left when other programs use the machine. */
  readonly busyMilliseconds: number;
  readonly megabytes: number;
}

async function main(): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'nightlift-bench-'));
  const authority = createCertificateAuthority('bench');
  const { certificatePem: cert, privateKeyPem: key } = authority.issue({
    commonName: 'api',
    ipAddresses: ['127.0.0.1'],
  });
  let asked: () => void = () => undefined;
  const server = createServer({ cert, key }, (_request, response) => {
    asked();
    response.writeHead(403).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  try {
    mkdirSync(join(root, ACCOUNT), { recursive: true });
    writeFileSync(join(root, ACCOUNT, 'token'), 'bench');
    writeFileSync(join(root, ACCOUNT, 'ca.crt'), authority.certificatePem);
    const env = {
      PATH: process.env['PATH'],
      // As bin/nightlift and the image have it.
      NODE_COMPILE_CACHE: join(root, 'compile-cache'),
      NIGHTLIFT_ROOT: root,
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: String((server.address() as AddressInfo).port),
    };
    const bare: number[] = [];
    const starts: Start[] = [];
    // By turns, so that a machine that is busy for a while is so for both; one that ends by itself fills the caches.
    await ended(spawn(process.execPath, [BUNDLE, 'check'], { env, stdio: 'ignore' }));
    for (let round = 0; round < ROUNDS; round++) {
      bare.push(await bareNode());
      starts.push(await firstRequest(env, (then) => (asked = then)));
    }
    const of = (key: keyof Start) => median(starts.map((item) => item[key]));
    tell(median(bare), {
      milliseconds: of('milliseconds'),
      busyMilliseconds: of('busyMilliseconds'),
      megabytes: of('megabytes'),
    });
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(root, { recursive: true, force: true });
  }
}

async function bareNode(): Promise<number> {
  const started = performance.now();
  await ended(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }));
  return performance.now() - started;
}

async function firstRequest(
  env: Record<string, string | undefined>,
  onAsked: (then: () => void) => void,
): Promise<Start> {
  const { promise, resolve: measured, reject } = Promise.withResolvers<Start>();
  const started = performance.now();
  const child = spawn(process.execPath, [BUNDLE, 'check'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  onAsked(() =>
    measured({
      milliseconds: performance.now() - started,
      busyMilliseconds: busyMilliseconds(child.pid ?? 0),
      megabytes: residentMegabytes(child.pid ?? 0),
    }),
  );
  child.on('close', (code) =>
    reject(new Error(`starting ${BUNDLE}: it ended with exit code ${code} before it asked the API server: ${output}`)),
  );
  try {
    return await promise;
  } finally {
    child.kill('SIGKILL');
    await ended(child);
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((done) => child.once('exit', done));
}

function residentMegabytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1000;
}

function busyMilliseconds(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function tell(bare: number, start: Start): void {
  console.log(`bare node -e 0           ${bare.toFixed(0)} ms`);
  console.log(
    `start to first request   ${start.milliseconds.toFixed(0)} ms = ${(start.milliseconds / bare).toFixed(1)} × bare (budget ${BUDGET.milliseconds} ms)`,
  );
  console.log(`of it on the processor   ${start.busyMilliseconds.toFixed(0)} ms (main thread)`);
  console.log(`resident by then         ${start.megabytes.toFixed(0)} MB (budget ${BUDGET.megabytes} MB)`);
  console.log(`bundle                   ${(statSync(BUNDLE).size / 1e6).toFixed(2)} MB`);
}

await main();
