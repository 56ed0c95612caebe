import path from 'node:path';
import { publishedMinors, publishedPackages } from './apt-repository.ts';
import { isRunning } from './daemon.ts';
import { clusterDir } from './lab-paths.ts';
import { type Lab, labNames, readLab } from './lab-state.ts';
import { runCommand } from './run-command.ts';

const daemons = ['server', 'haproxy', 'prometheus', 'pushgateway', 'alertmanager', 'slack'];

export async function showStatus(): Promise<void> {
  const names = await labNames();
  if (names.length === 0) console.log('no lab stands');
  for (const name of names) {
    const lab = await readLab(name);
    if (lab === undefined)
      console.log(`${name}: not whole (killed half-way, or being built); npm run lab -- down --name ${name}`);
    else await showLab(lab);
  }
}

async function showLab(lab: Lab): Promise<void> {
  console.log(`${lab.name}: ${path.join(clusterDir(lab.name), 'lab.json')}`);
  for (const node of lab.nodes) {
    const state = await runCommand('podman', ['inspect', '-f', '{{.State.Status}}', node.container]);
    console.log(
      `  ${node.name}  ${node.ips.join(' ')}  ${node.role}  containerd ${node.containerd}  ${state.stdout.trim() || 'gone'}`,
    );
  }
  console.log(`  processes: ${daemons.filter((daemon) => isRunning(lab.dir, daemon)).join(', ')}`);
  for (const minor of await publishedMinors(lab.repository.dir)) {
    console.log(`  repository v${minor}: ${(await publishedPackages(lab.repository.dir, minor)).join(', ')}`);
  }
}
