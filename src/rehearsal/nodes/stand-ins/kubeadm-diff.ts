import { readFileSync } from 'node:fs';
import type { StandInCall } from '../stand-in.ts';
import { COMPONENTS, manifestOf } from '../static-pod-manifest.ts';
import type { KubeadmRequest } from './kubeadm-request.ts';

/** `kubeadm upgrade diff vX.Y.Z`: unified diffs of the three manifests that it knows. */
export function kubeadmDiff(call: StandInCall, request: KubeadmRequest): number {
  const target = (request.words[2] ?? request.version).replace(/^v/, '');
  call.out('[upgrade/diff] Reading configuration from the "kubeadm-config" ConfigMap in namespace "kube-system"...\n');
  call.out(
    "[upgrade/diff] Use 'kubeadm init phase upload-config kubeadm --config your-config-file' to re-upload it.\n",
  );
  for (const component of COMPONENTS.filter((one) => one !== 'etcd')) {
    const file = `/etc/kubernetes/manifests/${component}.yaml`;
    const before = readFileSync(call.machine.path(file), 'utf8').split('\n');
    const after = manifestOf(component, target, call.machine.internalIp).split('\n');
    const hunks = hunksOf(linesOfDiff(before, after), Number(request.flags.get('--context-lines') ?? 0));
    if (hunks.length > 0) call.out(`--- ${file}\n+++ new manifest\n${hunks.join('\n')}\n`);
  }
  return 0;
}

/** Without context unless it is asked for, as kubeadm prints them (its own default of 3 counts for nothing: seen in 1.35, 1.36 and 1.37). */
function hunksOf(lines: readonly string[], context: number): readonly string[] {
  const isNear = lines.map((_, index) =>
    lines.slice(Math.max(0, index - context), index + context + 1).some((line) => !line.startsWith(' ')),
  );
  const hunks: string[] = [];
  let old = 1;
  let fresh = 1;
  for (let index = 0; index < lines.length; ) {
    const block: string[] = [];
    while (index < lines.length && isNear[index] === true) {
      block.push(lines[index] ?? '');
      index += 1;
    }
    const removed = block.filter((line) => !line.startsWith('+')).length;
    const added = block.filter((line) => !line.startsWith('-')).length;
    if (block.length > 0) hunks.push(`@@ -${range(old, removed)} +${range(fresh, added)} @@\n${block.join('\n')}`);
    else index += 1;
    old += Math.max(removed, block.length > 0 ? 0 : 1);
    fresh += Math.max(added, block.length > 0 ? 0 : 1);
  }
  return hunks;
}

/** As diff -U writes it: where, and how many when it is not one. */
function range(line: number, count: number): string {
  if (count === 1) return String(line);
  return `${count === 0 ? line - 1 : line},${count}`;
}

/** By the longest common subsequence; the manifests are short. */
function linesOfDiff(before: readonly string[], after: readonly string[]): readonly string[] {
  const lengths = Array.from({ length: before.length + 1 }, () => Array.from({ length: after.length + 1 }, () => 0));
  const at = (i: number, j: number): number => lengths[i]?.[j] ?? 0;
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      const row = lengths[i];
      if (row !== undefined)
        row[j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: string[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push(` ${before[i]}`);
      i += 1;
      j += 1;
    } else if (i < before.length && (j >= after.length || at(i + 1, j) >= at(i, j + 1))) {
      lines.push(`-${before[i]}`);
      i += 1;
    } else {
      lines.push(`+${after[j]}`);
      j += 1;
    }
  }
  return lines;
}
