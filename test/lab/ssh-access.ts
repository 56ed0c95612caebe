import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { LabNode } from './lab-spec.ts';
import type { Lab } from './lab-state.ts';
import type { NodeKeys } from './node-files.ts';
import { mustRun } from './run-command.ts';

async function makeKey(file: string, comment: string): Promise<void> {
  await rm(file, { force: true });
  await mustRun('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', file]);
}

/** One key for the user, and one host key per node, known before the node boots: pinned, never learnt on first use. */
export async function makeSshAccess(lab: Lab): Promise<Map<string, NodeKeys>> {
  const dir = path.dirname(lab.ssh.key);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await makeKey(lab.ssh.key, 'nightlift-lab');
  const authorizedKey = await readFile(`${lab.ssh.key}.pub`, 'utf8');
  const keys = new Map<string, NodeKeys>();
  const known: string[] = [];
  for (const node of lab.nodes) {
    const file = path.join(dir, `host-${node.name}`);
    await makeKey(file, node.name);
    const hostKeyPublic = await readFile(`${file}.pub`, 'utf8');
    const host = lab.ssh.port === 22 ? node.ip : `[${node.ip}]:${lab.ssh.port}`;
    known.push(`${host} ${hostKeyPublic.split(' ').slice(0, 2).join(' ')}`);
    keys.set(node.name, { hostKey: await readFile(file, 'utf8'), hostKeyPublic, authorizedKey });
  }
  await writeFile(lab.ssh.knownHosts, `${known.join('\n')}\n`);
  return keys;
}

export function sshArguments(lab: Lab, node: LabNode): string[] {
  const options = [
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile=${lab.ssh.knownHosts}`,
    'IdentitiesOnly=yes',
    'LogLevel=ERROR',
  ];
  return [
    '-p',
    String(lab.ssh.port),
    '-i',
    lab.ssh.key,
    ...options.flatMap((option) => ['-o', option]),
    `${lab.ssh.user}@${node.ip}`,
  ];
}

/** Hands the terminal over; the exit code is the command's. */
export function interactiveSsh(lab: Lab, node: LabNode, command: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn('ssh', [...sshArguments(lab, node), ...command], { stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}
