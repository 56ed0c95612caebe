import { cp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Lab } from './lab-state.ts';
import { onNode } from './nodes.ts';
import { mustRun } from './run-command.ts';

/** For a test that failed: what each node's services, pods and kubeadm said. */
export async function collectLogs(lab: Lab, directory: string): Promise<void> {
  for (const node of lab.nodes) {
    const journal = await onNode(
      node,
      'journalctl --no-pager -q -o short-iso -u kubelet -u containerd -u ssh -u "k8s-*" --lines 4000',
    );
    await writeFile(path.join(directory, `${node.name}-journal.txt`), journal.stdout + journal.stderr);
    const tar = `tar -C /var/log --ignore-failed-read -czf /tmp/lab-logs.tgz pods apt dpkg.log $(cd /var/log && ls kubeadm-*.log 2>/dev/null) 2>/dev/null; base64 -w0 /tmp/lab-logs.tgz`;
    const archive = await onNode(node, tar);
    await writeFile(path.join(directory, `${node.name}-var-log.tgz`), Buffer.from(archive.stdout, 'base64'));
  }
  await cp(path.join(lab.dir, 'logs'), path.join(directory, 'host'), { recursive: true });
  await mustRun('sh', [
    '-c',
    'podman ps -a --format "{{.Names}} {{.Status}}" > "$1"',
    'sh',
    path.join(directory, 'nodes.txt'),
  ]);
}
