/**
 * What kube-state-metrics says of Jobs that ended in every way there is: `node test/control-plane/record-job-metrics.ts
 * PROGRAM VERSION` (kube-state-metrics, built from its Go module k8s.io/kube-state-metrics/v2) writes
 * test/fixtures/recorded/kube-state-metrics. There is no kubelet: this program writes the status of the pods.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { z } from 'zod';
import { type ControlPlane, startControlPlane } from './real-control-plane.ts';

const FOLDER = join(import.meta.dirname, '../fixtures/recorded/kube-state-metrics');
const NAMESPACE = 'k8s-upgrade';

interface Case {
  readonly name: string;
  /** Exit codes of its pods, one after the other; none leaves the pod Pending. */
  readonly exits: readonly number[];
  readonly spec?: object;
  /** The condition that it has come to. */
  readonly ends: RegExp;
}

const FAIL_JOB = {
  podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [3, 64] } }] },
};

const cases: readonly Case[] = [
  {
    name: 'k8s-upgrade-preflight-1-36-4',
    exits: [3],
    spec: { ...FAIL_JOB, backoffLimit: 4 },
    ends: /PodFailurePolicy/,
  },
  { name: 'k8s-upgrade-master-1-36-4', exits: [1], spec: { backoffLimit: 0 }, ends: /BackoffLimitExceeded/ },
  { name: 'k8s-upgrade-worker-1-36-4-w1', exits: [], spec: { activeDeadlineSeconds: 2 }, ends: /DeadlineExceeded/ },
  { name: 'k8s-upgrade-worker-1-36-4-w2', exits: [1, 0], spec: { backoffLimit: 4 }, ends: /Complete/ },
  { name: 'k8s-upgrade-worker-1-36-4-w3', exits: [1], spec: { backoffLimit: 4 }, ends: /"failed":1/ },
  { name: 'k8s-upgrade-postflight-1-36-4', exits: [], ends: /"active":1/ },
  { name: 'k8s-upgrade-nightly-report-1', exits: [1], spec: { backoffLimit: 0 }, ends: /BackoffLimitExceeded/ },
];

const Pods = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      status: z.object({ phase: z.string().optional() }),
    }),
  ),
});

class Api {
  readonly #url: string;
  readonly #token: string;
  readonly #dispatcher: Agent;
  constructor({ url, adminToken, caPem }: ControlPlane) {
    this.#url = url;
    this.#token = adminToken;
    this.#dispatcher = new Agent({ connect: { ca: caPem } });
  }
  async ask(path: string, method: 'GET' | 'POST' | 'PATCH' = 'GET', body?: object): Promise<unknown> {
    const { statusCode, body: answer } = await request(`${this.#url}${path}`, {
      method,
      dispatcher: this.#dispatcher,
      headers: {
        authorization: `Bearer ${this.#token}`,
        'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (statusCode >= 300) throw new Error(`${method} ${path}: ${statusCode}: ${text.slice(0, 400)}`);
    return JSON.parse(text) as unknown;
  }
  close(): Promise<void> {
    return this.#dispatcher.close();
  }
}

async function play(api: Api, { name, exits, spec, ends }: Case): Promise<void> {
  const jobs = `/apis/batch/v1/namespaces/${NAMESPACE}/jobs`;
  await api.ask(jobs, 'POST', {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      ...spec,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'nightlift', image: 'none' }] } },
    },
  });
  const pods = `/api/v1/namespaces/${NAMESPACE}/pods`;
  for (const exitCode of exits) {
    const pod = await until(`a pod of ${name}`, async () => {
      const { items } = Pods.parse(await api.ask(`${pods}?labelSelector=job-name%3D${name}`));
      return items.find(({ status }) => status.phase === 'Pending');
    });
    const terminated = { exitCode, startedAt: new Date().toISOString(), finishedAt: new Date().toISOString() };
    await api.ask(`${pods}/${pod.metadata.name}/status`, 'PATCH', {
      status: {
        phase: exitCode === 0 ? 'Succeeded' : 'Failed',
        containerStatuses: [
          { name: 'nightlift', image: 'none', imageID: '', ready: false, restartCount: 0, state: { terminated } },
        ],
      },
    });
  }
  await until(`${name} to end`, async () => ends.test(JSON.stringify(await api.ask(`${jobs}/${name}`))) || undefined);
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 600; tries++) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(200);
  }
  throw new Error(`waiting for ${what}: not seen within two minutes`);
}

async function scrape(program: string, kubeconfig: string): Promise<string> {
  const [port, own] = [await freePort(), await freePort()];
  const child = spawn(
    program,
    [
      `--kubeconfig=${kubeconfig}`,
      '--resources=jobs',
      `--namespaces=${NAMESPACE}`,
      '--host=127.0.0.1',
      `--port=${port}`,
      '--telemetry-host=127.0.0.1',
      `--telemetry-port=${own}`,
    ],
    { stdio: 'ignore' },
  );
  try {
    return await until('kube-state-metrics', async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => undefined);
      const said = answer?.ok === true ? await answer.text() : undefined;
      return said?.includes(`job_name="${cases.at(-1)?.name}"`) === true ? said : undefined;
    });
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

const [program, version] = process.argv.slice(2);
if (program === undefined || version === undefined)
  throw new Error('which kube-state-metrics? node test/control-plane/record-job-metrics.ts PROGRAM VERSION');
const controlPlane = await startControlPlane();
if ('missing' in controlPlane) throw new Error(controlPlane.missing);
const api = new Api(controlPlane);
try {
  await api.ask('/api/v1/namespaces', 'POST', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  await until('the account of the pods', () =>
    api.ask(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts/default`).catch(() => undefined),
  );
  await Promise.all(cases.map((one) => play(api, one)));
  const text = await scrape(program, controlPlane.kubeconfigPath);
  const lines = text
    .split('\n')
    .filter((line) => /^kube_job_(status_|failed|complete)/.test(line))
    .toSorted();
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(
    join(FOLDER, 'jobs.prom'),
    `# kube-state-metrics ${version}, Kubernetes ${controlPlane.version}\n${lines.join('\n')}\n`,
  );
} finally {
  await api.close();
  await controlPlane.close();
}
