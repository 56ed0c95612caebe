import { kubeadmRuns } from '../lab/lab-debs.ts';
import type { LabNode } from '../lab/lab-spec.ts';
import type { Lab } from '../lab/lab-state.ts';
import { sudoOnNode } from './node-commands.ts';

export interface KubeadmRun {
  readonly node: string;
  readonly arguments: string;
  readonly startedAt: number;
  /** Undefined while it runs, and for ever when it was killed. */
  readonly endedAt: number | undefined;
  readonly exitCode: number | undefined;
}

/** Every run of kubeadm on the node since then, from the record that the lab's package of kubeadm keeps. */
export async function readKubeadmRuns(lab: Lab, node: LabNode, since: number): Promise<readonly KubeadmRun[]> {
  const text = await sudoOnNode(lab, node, `cat ${kubeadmRuns} 2>/dev/null || true`);
  return parseKubeadmRuns(node.name, text).filter((run) => run.startedAt >= since);
}

function parseKubeadmRuns(node: string, text: string): readonly KubeadmRun[] {
  const runs: { -readonly [K in keyof KubeadmRun]: KubeadmRun[K] }[] = [];
  const open = new Map<string, (typeof runs)[number]>();
  for (const line of text.split('\n').filter(Boolean)) {
    const [time = '', what = '', process = '', rest = ''] = line.split('\t');
    const at = Number(time.replace(',', '.')) * 1000;
    if (what === 'start') {
      const run = { node, arguments: rest, startedAt: at, endedAt: undefined, exitCode: undefined };
      runs.push(run);
      open.set(process, run);
    } else {
      const run = open.get(process);
      if (run !== undefined) Object.assign(run, { endedAt: at, exitCode: Number(rest) });
      open.delete(process);
    }
  }
  return runs;
}

/** `kubeadm upgrade apply` and `kubeadm upgrade node`, not its plans and diffs. */
export function isUpgrade(run: KubeadmRun): boolean {
  return /^upgrade (apply|node)\b/.test(run.arguments);
}
