import type { Lab } from '../lab/lab-state.ts';
import { mustOnNode } from '../lab/nodes.ts';
import { nodeNamed } from './node-commands.ts';
import type { LogLine } from './pod-logs.ts';

/** SIGKILL for the program of the pod that wrote this line, on its node, without a word to anybody. */
export async function killPodOf(lab: Lab, line: LogLine): Promise<void> {
  const script = `id=$(crictl ps -q --state running --label io.kubernetes.pod.name=${line.pod})
kill -9 "$(crictl inspect -o go-template --template '{{.info.pid}}' "$id")"`;
  await mustOnNode(nodeNamed(lab, line.runner), script);
}
