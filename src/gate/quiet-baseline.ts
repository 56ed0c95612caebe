import type { NodeFact } from '../facts/node-fact.ts';
import { compareVersions } from '../version.ts';
import type { Check } from './check.ts';
import type { Finding } from './finding.ts';
import { unknownFinding } from './unknown-finding.ts';

const NAME = 'quiet-baseline';
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** Right after a reboot or a flap the cluster is still settling, and what breaks then would be blamed on the upgrade. */
export const quietBaseline: Check = {
  name: NAME,
  reads: ['nodes'],
  evaluate(facts, { target, options }) {
    if (!facts.nodes.known) {
      return [unknownFinding(NAME, 'the nodes', facts.nodes.why, 'Look at the API server: kubectl get nodes.')];
    }
    const now = Date.parse(facts.observedAt);
    return facts.nodes.value.flatMap((node) => {
      if (changedByTheRun(node, target)) return [];
      const finding = unrest(node, now, options.quiet.settleSeconds);
      return finding === undefined ? [] : [finding];
    });
  },
};

/** A resumed run meets the transitions that it caused itself (I04). */
function changedByTheRun(node: NodeFact, target: string): boolean {
  if (node.cordonedBy !== null || compareVersions(node.kubelet, target) >= 0) return true;
  return node.apiServer !== null && compareVersions(node.apiServer, target) >= 0;
}

function unrest(node: NodeFact, now: number, settleSeconds: number): Finding | undefined {
  // Date.parse would make something of nearly any text.
  const since = ISO_TIME.test(node.readySince ?? '') ? Date.parse(node.readySince ?? '') : Number.NaN;
  if (Number.isNaN(since) || Number.isNaN(now)) {
    const got = node.readySince === null ? 'the node gives no time' : `"${node.readySince}" is not a time`;
    return unknownFinding(
      NAME,
      `when node ${node.name} last changed its condition Ready`,
      got,
      `kubectl get node ${node.name} -o yaml, and look at status.conditions.`,
    );
  }
  const seconds = Math.floor((now - since) / 1000);
  if (seconds >= settleSeconds) return undefined;
  const ago = seconds < 0 ? `${-seconds} s in the future` : `${seconds} s ago`;
  return {
    check: NAME,
    reason: 'NodeNotSettled',
    class: 'actionable',
    severity: 'block',
    message: `node ${node.name} last changed its condition Ready ${ago}; ${settleSeconds} s of quiet are required`,
    remedy: 'Wait, or find out why it changed; the next run looks again.',
  };
}
