import type { LabNode } from '../lab/lab-spec.ts';
import type { Lab } from '../lab/lab-state.ts';
import { mustRun } from '../lab/run-command.ts';
import { sshArguments } from '../lab/ssh-access.ts';

export function nodeNamed(lab: Lab, name: string): LabNode {
  const node = lab.nodes.find((one) => one.name === name);
  if (node === undefined)
    throw new Error(`looking for the node ${name}: the lab has ${lab.nodes.map((one) => one.name).join(', ')}`);
  return node;
}

/** As an operator looks at a node: over SSH, as root. */
export async function sudoOnNode(lab: Lab, node: LabNode, script: string): Promise<string> {
  return mustRun('ssh', [...sshArguments(lab, node), 'sudo bash -s'], { input: script });
}
