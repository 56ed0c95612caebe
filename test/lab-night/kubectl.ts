import type { Lab } from '../lab/lab-state.ts';
import { kubeProgram } from '../lab/programs.ts';
import { mustRun } from '../lab/run-command.ts';

/** kubectl as the cluster's admin; `input` for `-f -`. */
export async function kubectl(lab: Pick<Lab, 'kubeconfig' | 'spec'>, args: string[], input?: string): Promise<string> {
  return mustRun(await kubeProgram(lab.spec.version), ['--kubeconfig', lab.kubeconfig, ...args], {
    argv0: 'kubectl',
    ...(input === undefined ? {} : { input }),
  });
}

export async function applyObjects(lab: Lab, objects: readonly object[]): Promise<void> {
  await kubectl(lab, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
}
