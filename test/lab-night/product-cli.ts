import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { mustRun } from '../lab/run-command.ts';
import { labSettings, type SettingChanges } from './lab-settings.ts';
import { projectRoot } from './project-root.ts';
import type { Scene } from './scene.ts';
import { inNewDirectory } from './temporary-directory.ts';

export interface CliRun {
  readonly code: number;
  readonly lines: readonly string[];
}

/** The command line as it is on a workstation: a kubeconfig, a settings file, the key; no terminal. */
export async function productCli(
  scene: Scene,
  command: readonly string[],
  changes: SettingChanges = {},
): Promise<CliRun> {
  return inNewDirectory('host', async (directory) => {
    const { lab } = scene;
    const config = path.join(directory, 'config.yaml');
    const settings = await labSettings(lab, changes);
    const ssh = { user: lab.ssh.user, port: lab.ssh.port, keyFile: lab.ssh.key, knownHostsFile: lab.ssh.knownHosts };
    await writeFile(config, stringify({ ...settings, ssh, slackWebhookFile: '' }));
    await mustRun(process.execPath, ['build.mjs', '--quiet', '--outdir', directory], { cwd: projectRoot });
    const program = path.join(directory, 'nightlift.cjs');
    return follow(scene, [program, ...command, '--kubeconfig', lab.kubeconfig, '--config', config], {
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
