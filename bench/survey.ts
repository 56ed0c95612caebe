import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/clock.ts';
import { exampleNode } from '../src/facts/example-facts.ts';
import type { NodeFact } from '../src/facts/node-fact.ts';
import { createLog } from '../src/log.ts';
import { createSshNodeShell } from '../src/node/ssh-node-shell.ts';
import { observeSurveys } from '../src/observe/surveys.ts';
import { memoryCluster } from '../src/rehearsal/nodes/memory-cluster.ts';
import { startNodes } from '../src/rehearsal/nodes/start-nodes.ts';
import { scriptTemplate } from '../src/rehearsal/nodes/test-bench.ts';
import { Settings } from '../src/settings/settings.ts';

/**
 * All nodes of a cluster are asked what they are: node bench/survey.ts [nodes]. The nodes are SSH servers of the embedded
 * cluster on this machine, and the bash that answers for them runs here as well; the asking program is a process of its own.
 */
interface Scene {
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
  readonly knownHosts: string;
  readonly nodes: readonly { readonly name: string; readonly internalIp: string }[];
}

const LIMITS = { seconds: 20, megabytes: 150, kilobytesPerNode: 20 };
const MEGABYTE = 1_000_000;

async function ask(scene: Scene): Promise<void> {
  let bytes = 0;
  const shell = createSshNodeShell({
    settings: {
      user: scene.user,
      port: scene.port,
      privateKey: scene.privateKey,
      hostKeys: 'pinned',
      connectTimeoutMs: 20_000,
    },
    knownHosts: scene.knownHosts,
    templates: scriptTemplate,
    log: createLog({ format: 'text', write: () => undefined, now: () => new Date() }),
    clock: systemClock(),
  });
  const nodes: NodeFact[] = scene.nodes.map(({ name, internalIp }) => ({ ...exampleNode(name), internalIp }));
  const started = performance.now();
  const surveys = await observeSurveys(
    {
      shell: {
        ...shell,
        run: async (...request) => {
          const answer = await shell.run(...request);
          bytes += answer.stdout.length + answer.stderr.length;
          return answer;
        },
      },
      cluster: { serverTime: () => Promise.resolve(new Date()) },
      settings: Settings.parse({}),
      templates: { node: scriptTemplate, job: () => '' },
    },
    nodes,
    new AbortController().signal,
  );
  const seconds = (performance.now() - started) / 1000;
  await shell.close();
  const known = Object.values(surveys).filter((survey) => survey.known).length;
  const unknown = Object.values(surveys).find((survey) => !survey.known);
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const measured = {
    nodes: nodes.length,
    known,
    seconds: Number(seconds.toFixed(1)),
    cpuSeconds: Number(((userCPUTime + systemCPUTime) / MEGABYTE).toFixed(1)),
    megabytes: Math.round((maxRSS * 1024) / MEGABYTE),
    kilobytesPerNode: Number((bytes / nodes.length / 1000).toFixed(1)),
  };
  console.log(JSON.stringify(measured), 'limits', JSON.stringify(LIMITS));
  if (unknown !== undefined && !unknown.known) console.log(unknown.why);
  const over = (Object.keys(LIMITS) as (keyof typeof LIMITS)[]).filter((key) => measured[key] > LIMITS[key]);
  if (known !== nodes.length || over.length > 0) process.exitCode = 1;
}

async function serve(count: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'nightlift-survey-'));
  const names = Array.from({ length: count }, (_, index) => `w${index + 1}`);
  const nodes = await startNodes({
    nodes: names.map((name) => ({ name, role: 'worker', version: '1.36.3' })),
    repoBase: 'http://127.0.0.1:1/core:/stable:',
    cluster: memoryCluster('1.36.3', []),
    directory,
  });
  const scene: Scene = {
    port: nodes.port,
    user: nodes.user,
    privateKey: nodes.privateKeyPem,
    knownHosts: nodes.knownHosts,
    nodes: nodes.nodes.map(({ name, internalIp }) => ({ name, internalIp })),
  };
  const file = join(directory, 'scene.json');
  writeFileSync(file, JSON.stringify(scene));
  const child = spawn(process.execPath, [import.meta.filename, '--scene', file], { stdio: 'inherit' });
  process.exitCode = await new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
  await nodes.close();
  rmSync(directory, { recursive: true, force: true });
}

const at = process.argv.indexOf('--scene');
if (at > 0) await ask(JSON.parse(readFileSync(process.argv[at + 1] ?? '', 'utf8')) as Scene);
else await serve(Number(process.argv[2] ?? 200));
