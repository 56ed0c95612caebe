import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { memoryCluster } from '../src/rehearsal/nodes/memory-cluster.ts';
import { startNodes } from '../src/rehearsal/nodes/start-nodes.ts';
import { paceOf } from '../src/rehearsal/pace.ts';
import { startPackageFeed } from '../src/rehearsal/services/package-feed.ts';
import { startPrometheus } from '../src/rehearsal/services/prometheus.ts';
import { type ControlPlane, startControlPlane } from '../test/control-plane/real-control-plane.ts';
import { startCrowd } from './scale-crowd.ts';
import { type Api, apiOf, fill, otherNodes, workerName } from './scale-fill.ts';

/**
 * What a large cluster costs the program, against a real etcd and API server with 30 pods of about 7 KB a node: bytes as
 * they come over the wire, requests, processor, memory. The one worker that is upgraded is an embedded node.
 * Run it after `npm run build`: node bench/scale.ts [NODES …], default 500 5000. BENCH_BUNDLE names another program to
 * compare with, BENCH_ONLY the rows, BENCH_NODE_FLAGS what Node is given (default: as in a pod), BENCH_KEEP a directory
 * for what the program said.
 */
const BUNDLE = resolve(process.env['BENCH_BUNDLE'] ?? join(import.meta.dirname, '../dist/nightlift.cjs'));
const TARGET = '1.36.4';
const VERSION = '1.36.3';
/** What Node takes for its heap in a pod of 384 MB, the limit of the shipped manifests. */
const HEAP_MEGABYTES = 256;
const NODE_FLAGS = (process.env['BENCH_NODE_FLAGS'] ?? '--max-semi-space-size=4')
  .split(' ')
  .filter((flag) => flag !== '');
const MEGABYTE = 1_000_000;

interface Cost {
  readonly megabytesRead: number;
  readonly requests: number;
  readonly cpuSeconds: number;
  readonly residentMegabytes: number;
  readonly seconds: number;
}

type Limits = Partial<Cost>;

interface Row {
  readonly what: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly limits: Limits;
}

const WHOLE: Limits = { megabytesRead: 150, cpuSeconds: 10, residentMegabytes: 200 };
const ROWS: readonly Row[] = [
  { what: 'status', args: ['status'], limits: { megabytesRead: 10, cpuSeconds: 1, residentMegabytes: 120 } },
  { what: 'facts', args: ['facts'], limits: WHOLE },
  { what: 'gate', args: ['gate', '--target', TARGET], limits: WHOLE },
  { what: 'plan', args: ['plan', '--target', TARGET], limits: WHOLE },
  { what: 'plan --facts', args: ['plan', '--facts', 'FACTS', '--target', TARGET], limits: { seconds: 1 } },
  {
    what: 'worker step',
    args: ['phase'],
    env: { PHASE: 'worker', NODE_NAME: workerName(0) },
    limits: { megabytesRead: 5, cpuSeconds: 2, residentMegabytes: 150 },
  },
  // The longest of them: it asks every node what it is, and lets each fetch what it needs.
  { what: 'preflight', args: ['phase'], env: { PHASE: 'preflight' }, limits: { residentMegabytes: 384 } },
];

/** Runs in the measured process; a data URL, so that nothing has to be compiled in it. */
const PROBE = `data:text/javascript,${encodeURIComponent(`
import { subscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
const sockets = new Set();
let requests = 0;
subscribe('http.client.response.finish', ({ response }) => { requests += 1; sockets.add(response.socket); });
process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const bytes = [...sockets].reduce((sum, socket) => sum + socket.bytesRead, 0);
  writeFileSync(process.env.BENCH_RESULT, JSON.stringify({ bytes, requests, cpu: userCPUTime + systemCPUTime, maxRSS }));
});`)}`;

interface Scene {
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
}

async function measure(scene: Scene, { what, args, env }: Row): Promise<Cost & { readonly end: string }> {
  const result = join(scene.directory, 'result.json');
  const facts = join(scene.directory, 'facts.json');
  const said = join(process.env['BENCH_KEEP'] ?? scene.directory, what.replaceAll(' ', '-'));
  const outputPath = what === 'facts' ? facts : `${said}.out`;
  const errorPath = `${said}.err`;
  rmSync(result, { force: true });
  const started = performance.now();
  const child = spawn(
    process.execPath,
    [
      '--import',
      PROBE,
      `--max-old-space-size=${HEAP_MEGABYTES}`,
      ...NODE_FLAGS,
      BUNDLE,
      ...args.map((arg) => (arg === 'FACTS' ? facts : arg)),
    ],
    {
      env: { ...scene.env, BENCH_RESULT: result, ...env },
      stdio: ['ignore', openSync(outputPath, 'w'), openSync(errorPath, 'w')],
    },
  );
  const code = await new Promise<string>((done) => child.once('exit', (exit, signal) => done(String(exit ?? signal))));
  const seconds = (performance.now() - started) / 1000;
  if (!existsSync(result)) return { ...NOTHING, seconds, end: `died (${code})` };
  const { bytes, requests, cpu, maxRSS } = JSON.parse(readFileSync(result, 'utf8')) as Record<string, number>;
  return {
    megabytesRead: (bytes ?? 0) / MEGABYTE,
    requests: requests ?? 0,
    cpuSeconds: (cpu ?? 0) / MEGABYTE,
    residentMegabytes: ((maxRSS ?? 0) * 1024) / MEGABYTE,
    seconds,
    end: `${code}${args[0] === 'phase' ? ` ${outcomeIn(readFileSync(outputPath, 'utf8'))}` : ''}`,
  };
}

const NOTHING: Cost = { megabytesRead: 0, requests: 0, cpuSeconds: 0, residentMegabytes: 0, seconds: 0 };

/** Of the log of a phase: how it ended, or its last line. */
function outcomeIn(log: string): string {
  const lines = log.trim().split('\n');
  const last = lines.findLast((line) => line.includes('"outcome"')) ?? lines.at(-1) ?? '';
  return (/"outcome":"(\w+)"/.exec(last)?.[1] ?? last).slice(0, 200);
}

function tell({ what, limits }: Row, cost: Cost & { readonly end: string }): void {
  const cell = (key: keyof Cost, digits: number): string => {
    const limit = limits[key];
    return `${cost[key].toFixed(digits)}${limit === undefined ? '' : ` (≤ ${limit}${cost[key] > limit ? ' OVER' : ''})`}`.padEnd(
      18,
    );
  };
  const cells = [
    cell('megabytesRead', 1),
    cell('requests', 0),
    cell('cpuSeconds', 2),
    cell('residentMegabytes', 0),
    cell('seconds', 1),
  ];
  console.log(`${what.padEnd(14)} ${cells.join(' ')} ${cost.end}`);
}

/** A pod that was told to go is gone: there is no kubelet that would say so. */
async function endPods(api: Api, signal: AbortSignal): Promise<void> {
  const query = `fieldSelector=${encodeURIComponent(`spec.nodeName=${workerName(0)}`)}`;
  while (!signal.aborted) {
    // An API server that has much to do may not answer in time: then at the next look.
    const answer = await api.call('GET', `/api/v1/pods?${query}`).catch(() => '{}');
    const { items = [] } = JSON.parse(answer) as {
      items?: readonly { metadata: { name: string; namespace: string; deletionTimestamp?: string } }[];
    };
    for (const { metadata } of items) {
      if (metadata.deletionTimestamp !== undefined)
        await api.call('DELETE', `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`, {
          gracePeriodSeconds: 0,
        });
    }
    await new Promise((done) => setTimeout(done, 200));
  }
}

function written(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text, { mode: 0o600 });
  }
}

async function bench(count: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'nightlift-scale-'));
  const closing: (() => unknown)[] = [() => rmSync(directory, { recursive: true, force: true })];
  try {
    const admission = 'ServiceAccount,TaintNodesByCondition';
    const server = await startControlPlane({
      controllers: false,
      apiServerArguments: ['--disable-admission-plugins', admission],
    });
    if ('missing' in server) throw new Error(server.missing);
    closing.push(() => server.close());
    await play(count, server, directory, closing);
  } finally {
    for (let close = closing.pop(); close !== undefined; close = closing.pop()) await close();
  }
}

async function play(count: number, server: ControlPlane, directory: string, closing: (() => unknown)[]): Promise<void> {
  const api = apiOf({ ...server, token: server.adminToken });
  closing.push(() => api.close());
  const feed = await startPackageFeed({ versions: [VERSION, TARGET] });
  const prometheus = await startPrometheus();
  prometheus.setTargets([1, 2, 3].map((at) => ({ job: 'apiserver', instance: `127.100.100.${at}:6443` })));
  const cluster = memoryCluster(VERSION, []);
  const nodes = await startNodes({
    nodes: [{ name: workerName(0), role: 'worker', version: VERSION }],
    repoBase: feed.baseUrl,
    directory: join(directory, 'nodes'),
    cluster: {
      ...cluster,
      kubeletStarted: async (name, kubelet) => {
        await api.call('PATCH', `/api/v1/nodes/${name}/status`, {
          status: { nodeInfo: { kubeletVersion: `v${kubelet}` } },
        });
      },
    },
  });
  closing.push(
    () => feed.close(),
    () => prometheus.close(),
    () => nodes.close(),
  );
  const crowd = await startCrowd({
    nodes: otherNodes(count),
    port: nodes.port,
    authorizedKey: nodes.publicKey,
    repoBase: feed.baseUrl,
  });
  closing.push(() => crowd.close());
  const started = performance.now();
  await fill(api, {
    ...server,
    token: server.adminToken,
    nodes: count,
    budgets: 500,
    crds: 200,
    address: nodes.node(workerName(0)).internalIp,
    version: VERSION,
    controlPlaneVersion: TARGET,
  });
  console.log(
    `\n${count} nodes, ${count * 30} pods (filled in ${((performance.now() - started) / 1000).toFixed(0)} s), node ${[`--max-old-space-size=${HEAP_MEGABYTES}`, ...NODE_FLAGS].join(' ')}`,
  );
  console.log(
    `${''.padEnd(14)} ${['MB read', 'requests', 'CPU s', 'MB resident', 'seconds'].map((name) => name.padEnd(18)).join(' ')} end`,
  );
  const over = new AbortController();
  const ending = endPods(api, over.signal);
  const [root, person] = [join(directory, 'root'), join(directory, 'person')];
  const { waits } = paceOf(300);
  const files = {
    'var/run/secrets/kubernetes.io/serviceaccount/token': server.adminToken,
    'var/run/secrets/kubernetes.io/serviceaccount/ca.crt': server.caPem,
    'config/config.yaml': stringify({
      packages: { baseUrl: feed.baseUrl, redirectHosts: [feed.redirectHost] },
      ssh: { user: nodes.user, port: nodes.port },
      alerts: { prometheusUrl: prometheus.url },
      snapshot: { own: false, cronJob: '', required: false },
      job: { image: 'nightlift:bench' },
      waits: { ...waits, soakSeconds: 0 },
    }),
  };
  // From a workstation without the nodes' key; in a pod with it.
  written(person, files);
  written(root, {
    ...files,
    'secrets/k8s-upgrade/ssh_key': nodes.privateKeyPem,
    'secrets/k8s-upgrade/known_hosts': `${nodes.knownHosts}${crowd.knownHosts}`,
  });
  const scene: Scene = {
    directory,
    env: {
      PATH: process.env['PATH'] ?? '',
      NIGHTLIFT_ROOT: person,
      NODE_COMPILE_CACHE: join(directory, 'compile-cache'),
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: new URL(server.url).port,
      TARGET_VERSION: TARGET,
    },
  };
  // The first start compiles.
  await measure(scene, { what: 'first', args: ['status'], limits: {} });
  const only = process.env['BENCH_ONLY']?.split(',');
  const inPod: Scene = { ...scene, env: { ...scene.env, NIGHTLIFT_ROOT: root } };
  for (const row of ROWS.filter(({ what }) => only?.includes(what) !== false))
    tell(row, await measure(row.args[0] === 'phase' ? inPod : scene, row));
  console.log('nodes over SSH', crowd.counts());
  over.abort();
  await ending;
}

const sizes = process.argv.slice(2).map(Number);
for (const size of sizes.length === 0 ? [500, 5000] : sizes) await bench(size);
