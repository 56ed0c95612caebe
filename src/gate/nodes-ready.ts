import type { NodeFact } from '../facts/node-fact.ts';
import type { Check } from './check.ts';
import type { Finding } from './finding.ts';
import { unknownFinding } from './unknown-finding.ts';

const NAME = 'nodes-ready';

/** Every node is Ready, under no pressure and reachable: a sick node is mended before, not during, an upgrade. */
export const nodesReady: Check = {
  name: NAME,
  reads: ['nodes'],
  evaluate(facts) {
    if (!facts.nodes.known) {
      return [unknownFinding(NAME, 'the nodes', facts.nodes.why, 'Look at the API server: kubectl get nodes.')];
    }
    if (facts.nodes.value.length === 0) {
      return [
        unknownFinding(NAME, 'the nodes', 'the list is empty', 'Check the account: kubectl auth can-i list nodes.'),
      ];
    }
    return facts.nodes.value.flatMap((node) => problemsOf(node));
  },
};

function problemsOf(node: NodeFact): Finding[] {
  const findings: Finding[] = [];
  const say = (reason: string, message: string, remedy: string, severity: Finding['severity'] = 'block'): void => {
    findings.push({ check: NAME, reason, class: 'actionable', severity, message, remedy });
  };
  if (node.ready !== 'yes') {
    const state = node.ready === 'no' ? 'not Ready' : 'not reporting (Ready is Unknown)';
    // Its own cordon on it says that an interrupted run was changing this node: going on is what brings it back (I04).
    if (node.cordonedBy !== null) {
      say(
        'NodeNotReady',
        `node ${node.name} is ${state}; the interrupted run was changing it and goes on there`,
        `If it stays so: kubectl describe node ${node.name}.`,
        'warn',
      );
    } else {
      say(
        'NodeNotReady',
        `node ${node.name} is ${state}, and every node must be Ready`,
        `kubectl describe node ${node.name}, then journalctl -u kubelet on it.`,
      );
    }
  }
  if (node.memoryPressure) {
    say(
      'MemoryPressure',
      `node ${node.name} has MemoryPressure, and a drain would give the others more to carry`,
      'Free memory, or move workloads away.',
    );
  }
  if (node.diskPressure) {
    say(
      'DiskPressure',
      `node ${node.name} has DiskPressure, and an upgrade needs room for images and packages`,
      `On ${node.name}: crictl rmi --prune, and look at /var/lib.`,
    );
  }
  if (node.internalIp === null) {
    say(
      'NoInternalIP',
      `node ${node.name} has no address of type InternalIP, which is the one way to reach it`,
      `Set --node-ip of the kubelet on ${node.name}.`,
    );
  }
  return findings;
}
