import type { Facts } from '../facts/facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { runningVersions } from '../facts/running-versions.ts';
import { compareVersions, jumpBetween, minorNumber, minorOf } from '../version.ts';
import type { Check } from './check.ts';
import type { Finding } from './finding.ts';
import { unknownFinding } from './unknown-finding.ts';

const NAME = 'version-skew';

/** https://kubernetes.io/releases/version-skew-policy/: a kubelet may be three minors older than the API servers. */
const KUBELET_SKEW = 3;

/** The rules of the version skew policy, now and with the target's API server. */
export const versionSkew: Check = {
  name: NAME,
  reads: ['apiServer', 'nodes', 'otherNodes'],
  evaluate(facts, { target }) {
    if (!facts.apiServer.known) {
      return [unknownFinding(NAME, "the API server's version", facts.apiServer.why, 'Look at kubectl version.')];
    }
    const versions = runningVersions(facts);
    if (!versions.known || !facts.nodes.known) {
      return [
        unknownFinding(
          NAME,
          'the running versions',
          versions.known ? '' : versions.why,
          'Look at kubectl get nodes and at the kube-apiserver pods in kube-system.',
        ),
      ];
    }
    const { oldestApiServer, newestApiServer } = versions.value;
    // Judged from the oldest API server: kubelets may be further behind, and are the reason to finish a half-done upgrade.
    const jump = jumpBetween(oldestApiServer, target);
    // How far a kubelet is from a target that nothing goes to says nothing.
    const reachable = typeof jump === 'string' ? target : oldestApiServer;
    const findings: Finding[] = facts.nodes.value.flatMap((node) => [
      ...kubeletProblems(node, oldestApiServer, reachable),
    ]);
    findings.push(...otherKubelets(facts, reachable));
    if (minorNumber(newestApiServer) - minorNumber(oldestApiServer) > 1) {
      findings.push(
        block(
          'ApiServerSkew',
          `the API servers run ${oldestApiServer} and ${newestApiServer}; they must be within one minor`,
          `Upgrade the control plane with ${oldestApiServer} first.`,
        ),
      );
    }
    if (typeof jump === 'object') {
      findings.push(
        block(
          'IllegalJump',
          `${target} cannot be reached from an API server with ${oldestApiServer}: ${jump.problem}`,
          '`nightlift plan` shows the possible targets.',
        ),
      );
    }
    return findings;
  },
};

function kubeletProblems(node: NodeFact, oldestApiServer: string, target: string): Finding[] {
  const findings: Finding[] = [];
  // kubeadm upgrades control planes one by one, each with its kubelet: half-way the first kubelets are ahead of the last API servers.
  const withItsApiServer = node.apiServer !== null && compareVersions(node.kubelet, node.apiServer) <= 0;
  if (compareVersions(node.kubelet, oldestApiServer) > 0 && !withItsApiServer) {
    const what = `the kubelet of ${node.name} has ${node.kubelet}, newer than an API server with ${oldestApiServer}`;
    const harmless = minorNumber(node.kubelet) === minorNumber(oldestApiServer) || node.kubelet === target;
    findings.push(
      harmless
        ? {
            ...block('KubeletAhead', what, 'Nothing to do: the upgrade of the control planes ends it.'),
            severity: 'warn',
          }
        : block(
            'KubeletTooNew',
            what,
            'Upgrade the control planes to the minor of that kubelet first, or downgrade the kubelet.',
          ),
    );
  }
  const behind = minorNumber(target) - minorNumber(node.kubelet);
  if (behind > KUBELET_SKEW) {
    findings.push(
      block(
        'KubeletTooOld',
        `the kubelet of ${node.name} has ${node.kubelet}, ${behind} minors below ${target}; ${KUBELET_SKEW} are allowed`,
        `Upgrade ${node.name} to at least ${minorOf(oldestApiServer)} first.`,
      ),
    );
  }
  return findings;
}

/** Nodes that are left out stay as they are: the API servers must not leave them behind. */
function otherKubelets({ otherNodes }: Facts, target: string): Finding[] {
  if (!otherNodes.known)
    return [unknownFinding(NAME, 'the nodes that are left out', otherNodes.why, 'Look at kubectl get nodes.')];
  return otherNodes.value.flatMap(({ name, kubelet, why }) => {
    const [, minor] = /^v?(\d+\.\d+)\./.exec(kubelet) ?? [];
    if (minor === undefined) return [];
    const behind = minorNumber(target) - minorNumber(`${minor}.0`);
    const problem = `the kubelet of ${name}, which is left out (${why}), has ${kubelet}, ${behind} minors below ${target}; ${KUBELET_SKEW} are allowed`;
    return behind > KUBELET_SKEW
      ? [block('KubeletTooOld', problem, `Upgrade ${name} in its own way first, or remove it.`)]
      : [];
  });
}

function block(reason: string, message: string, remedy: string): Finding {
  return { check: NAME, reason, class: 'actionable', severity: 'block', message, remedy };
}
