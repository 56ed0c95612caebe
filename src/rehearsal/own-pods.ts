import type { ChildProcess } from 'node:child_process';
import { dirname, join } from 'node:path';
import { NODE_FLAGS } from '../install/node-flags.ts';
import type { ApiServer } from './api/api-server.ts';
import type { Pod } from './api/kinds.ts';
import type { OrdinaryBehaviour } from './controllers/ordinary-runner.ts';
import type { PodRunner } from './controllers/pod-runner.ts';
import { processRunner } from './controllers/process-runner.ts';
import { OWN_IMAGE, SNAPSHOT_IMAGE } from './deployment-objects.ts';
import type { Pace } from './pace.ts';

export interface OwnPodsOptions {
  readonly server: ApiServer;
  /** The bundled program. */
  readonly program: string;
  readonly templatesDir: string;
  /** Of the rehearsal. */
  readonly directory: string;
  readonly keep: boolean;
  readonly onProcess?: (pod: Pod, child: ChildProcess) => void;
}

export interface OwnPods {
  readonly runner: PodRunner;
  /** Processes that run now, by pod name. */
  readonly processes: ReadonlyMap<string, ChildProcess>;
  /** Ends them and waits until they have ended. */
  end(): Promise<void>;
}

/** Pods of our image: real processes of the bundled program, with the environment and the files of their manifest. */
export function createOwnPods({ server, directory, ...options }: OwnPodsOptions): OwnPods {
  const processes = new Map<string, ChildProcess>();
  const runner = processRunner({
    store: server.store,
    caPem: server.caPem,
    tokenFor: (account) => server.access.serviceAccountToken(account),
    accepts: ({ image }) => image === OWN_IMAGE,
    program: [...NODE_FLAGS, options.program],
    podsDirectory: join(directory, 'pods'),
    apiHost: '127.0.0.1',
    apiPort: server.port,
    extraEnv: {
      NIGHTLIFT_TEMPLATES: options.templatesDir,
      // One cache for all pods, beside the program, where the image has its own.
      NODE_COMPILE_CACHE: join(dirname(options.program), '.compile-cache'),
    },
    keepRoots: options.keep,
    onProcess: (pod, child) => {
      const { name } = pod.metadata;
      processes.set(name, child);
      child.once('close', () => processes.delete(name));
      options.onProcess?.(pod, child);
    },
  });
  return { runner, processes, end: async () => void (await Promise.all([...processes.values()].map(ended))) };
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('close', () => resolve());
    child.kill('SIGKILL');
  });
}

/** Pods of applications only have to be there; the backup's ends by itself with the line that the runbook's ends with. */
export function ordinaryPod(pod: Pod, pace: Pace): OrdinaryBehaviour {
  if (pod.spec.containers[0]?.image !== SNAPSHOT_IMAGE) return { startMs: pace.podMs, stopMs: pace.podMs };
  const file = `/backup/etcd-${new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}.db`;
  return {
    startMs: pace.podMs,
    log: `Snapshot saved at ${file}\nBackup done: ${file} (7340064 bytes)`,
    exit: { afterMs: pace.snapshotMs, code: 0 },
  };
}
