import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiServer, startApiServer } from '../../../src/rehearsal/api/api-server.ts';
import type { Job, JobSpec, PodSpec } from '../../../src/rehearsal/api/kinds.ts';
import { jobs, nodes } from '../../../src/rehearsal/api/resources.ts';
import {
  type ControllerOptions,
  type Controllers,
  startControllers,
} from '../../../src/rehearsal/controllers/controllers.ts';
import { type ProcessRunnerOptions, processRunner } from '../../../src/rehearsal/controllers/process-runner.ts';

export interface TestCluster {
  readonly server: ApiServer;
  readonly controllers: Controllers;
  readonly directory: string;
  close(): Promise<void>;
}

/** Three nodes, quick controllers; containers of image `program` run this source as a process of its own. */
export async function testCluster(
  source = '',
  options: ControllerOptions & { readonly process?: Partial<ProcessRunnerOptions> } = {},
): Promise<TestCluster> {
  const server = await startApiServer();
  const directory = mkdtempSync(join(tmpdir(), 'nightlift-controllers-'));
  const program = join(directory, 'program.mjs');
  writeFileSync(program, source);
  const processes = processRunner({
    store: server.store,
    caPem: server.caPem,
    tokenFor: (account) => server.access.serviceAccountToken(account),
    accepts: (container) => container.image === 'program',
    program: [program],
    podsDirectory: directory,
    apiHost: '127.0.0.1',
    apiPort: server.port,
    ...options.process,
  });
  const controllers = startControllers(server, {
    secondMs: 50,
    reactionMs: 5,
    ...options,
    runners: [...(options.runners ?? []), processes],
  });
  for (const name of ['n1', 'n2', 'n3'])
    server.store.create(nodes, { metadata: { name, labels: { 'kubernetes.io/hostname': name } }, spec: {} });
  return {
    server,
    controllers,
    directory,
    close: async () => {
      controllers.close();
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export function createJob(
  { server }: TestCluster,
  name: string,
  spec: Partial<PodSpec> = {},
  more: Partial<JobSpec> = {},
): Job {
  const container = { name: 'main', image: 'program' };
  const template = {
    spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 10, containers: [container], ...spec },
  };
  return server.store.create(jobs, {
    metadata: { name, namespace: 'default' },
    spec: { backoffLimit: 0, ...more, template },
  });
}

/** Waits for something that is not undefined or false, for five seconds. */
export async function until<T>(what: string, ask: () => T | undefined | false): Promise<T> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    const answer = ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadline) throw new Error(`waited 5 s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
