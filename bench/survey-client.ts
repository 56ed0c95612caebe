import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../src/clock.ts';
import { exampleNode } from '../src/facts/example-facts.ts';
import type { NodeFact } from '../src/facts/node-fact.ts';
import { createLog } from '../src/log.ts';
import { createSshNodeShell } from '../src/node/ssh-node-shell.ts';
import { observeSurveys } from '../src/observe/surveys.ts';
import { Settings } from '../src/settings/settings.ts';

/** The asking half of bench/survey.ts, which bundles it as the product is: PROGRAM SCENE TEMPLATES */
export interface Scene {
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
  readonly knownHosts: string;
  readonly nodes: readonly { readonly name: string; readonly internalIp: string }[];
}

const LIMITS = { seconds: 20, megabytes: 150, kilobytesPerNode: 20 };
const MEGABYTE = 1_000_000;

const [, , sceneFile = '', templatesDirectory = ''] = process.argv;
const templates = (name: string): string => readFileSync(join(templatesDirectory, `node/${name}.sh`), 'utf8');

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
    templates,
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
      clock: systemClock(),
      inCluster: false,
      templates: { node: templates, job: () => '' },
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

void ask(JSON.parse(readFileSync(sceneFile, 'utf8')) as Scene);
