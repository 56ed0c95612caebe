import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { NODE_FLAGS } from '../src/install/node-flags.ts';
import { memoryCluster } from '../src/rehearsal/nodes/memory-cluster.ts';
import { startNodes } from '../src/rehearsal/nodes/start-nodes.ts';
import type { Scene } from './survey-client.ts';

/**
 * All nodes of a cluster are asked what they are: node bench/survey.ts [nodes]. The nodes are SSH servers of the embedded
 * cluster on this machine, and the bash that answers for them runs here as well; the asking program is a process of its own.
 */
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
  const program = join(directory, 'client.cjs');
  const root = join(import.meta.dirname, '..');
  await build({
    entryPoints: [join(import.meta.dirname, 'survey-client.ts')],
    outfile: program,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'cjs',
    external: ['cpu-features', '*.node'],
    define: { 'import.meta.dirname': '__dirname' },
    logLevel: 'error',
  });
  const child = spawn(process.execPath, [...NODE_FLAGS, program, file, join(root, 'templates')], { stdio: 'inherit' });
  process.exitCode = await new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
  await nodes.close();
  rmSync(directory, { recursive: true, force: true });
}

await serve(Number(process.argv[2] ?? 200));
