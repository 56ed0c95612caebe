import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import { stringify } from 'yaml';
import { mustRun } from '../lab/run-command.ts';
import { labSettings } from './lab-settings.ts';
import { nextPatch } from './next-patch.ts';
import { followChain } from './night.ts';
import { projectRoot } from './project-root.ts';
import { runningVersion } from './provide-scene.ts';
import type { Scenario } from './scenario.ts';
import type { Scene } from './scene.ts';
import { inNewDirectory } from './temporary-directory.ts';
import { expectUpgraded } from './upgraded.ts';

export const hostNight: Scenario = {
  name: 'host',
  title: 'nightlift upgrade --to, from a machine outside: it starts the chain in the cluster and follows it to the end',
  ci: false,
  seconds: 330,
  cluster: { controlPlanes: 1, workers: 2, version: '1.36.3' },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const to = await nextPatch(scene);
    const startedAt = Date.now();
    const [cli, chain] = await Promise.all([upgradeFromHere(scene, to), chainOf(scene, startedAt)]);
    expect(cli.lines.at(-1)).toBe(`Done: all ${scene.lab.nodes.length} nodes are on ${to}.`);
    expect(cli.code).toBe(0);
    const text = cli.lines.join('\n');
    expect(text).toContain('Started: the chain goes on by itself');
    for (const job of chain.chain) expect(text).toContain(`${job.name}: complete`);
    // It says what it sees on the way, a control plane that is alone in the cluster being away included.
    expect(text).toContain('the API server is away');
    for (const { name } of scene.lab.nodes) expect(text).toMatch(new RegExp(`${name}: .*cordoned`));
    return expectUpgraded(scene, chain, from, to);
  },
};

async function chainOf(scene: Scene, startedAt: number) {
  await scene.logs.waitFor(
    'the first Job of the chain',
    (line) => line.time >= startedAt && line.phase === 'preflight',
  );
  return followChain(scene, startedAt, 25);
}

interface CliRun {
  readonly code: number;
  readonly lines: readonly string[];
}

/** The command line as it is on a workstation: a kubeconfig, a settings file, the key; no terminal. */
async function upgradeFromHere(scene: Scene, to: string): Promise<CliRun> {
  return inNewDirectory('host', async (directory) => {
    const { lab } = scene;
    const config = path.join(directory, 'config.yaml');
    const settings = await labSettings(lab);
    const ssh = { user: lab.ssh.user, keyFile: lab.ssh.key, knownHostsFile: lab.ssh.knownHosts };
    await writeFile(config, stringify({ ...settings, ssh, slackWebhookFile: '' }));
    await mustRun(process.execPath, ['build.mjs', '--quiet', '--outdir', directory], { cwd: projectRoot });
    const program = path.join(directory, 'nightlift.cjs');
    const options = ['upgrade', '--to', to, '--yes', '--kubeconfig', lab.kubeconfig, '--config', config];
    return follow(scene, [program, ...options], {
      NIGHTLIFT_TEMPLATES: path.join(projectRoot, 'templates'),
    });
  });
}

function follow(scene: Scene, args: readonly string[], env: Record<string, string>): Promise<CliRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const lines: string[] = [];
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const all = `${rest}${chunk}`.split('\n');
      rest = all.pop() ?? '';
      for (const line of all.filter(Boolean)) {
        lines.push(line);
        scene.log(`> ${line}`);
      }
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => scene.log(`> ${chunk.trimEnd()}`));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, lines: rest === '' ? lines : [...lines, rest] }));
  });
}
