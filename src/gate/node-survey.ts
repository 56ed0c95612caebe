import { isHalfWay, isOnTarget } from '../facts/nodes.ts';
import type { Check } from './check.ts';
import type { Finding } from './finding.ts';
import { nodesFinding } from './surveyed.ts';
import { unknownFinding } from './unknown-finding.ts';

const NAME = 'node-survey';

/**
 * Every node that is still to go has said what it is: what the last worker would refuse is not found out after the control
 * plane was upgraded. Facts of a version that knew of no survey say nothing, and are not held against anybody.
 */
export const nodeSurvey: Check = {
  name: NAME,
  reads: ['nodes', 'surveys'],
  evaluate({ nodes, surveys }, { target }): readonly Finding[] {
    if (surveys === undefined) return [];
    if (!nodes.known)
      return [unknownFinding(NAME, 'the nodes', nodes.why, 'Look at the API server: kubectl get nodes.')];
    if (!surveys.known)
      return [
        unknownFinding(
          NAME,
          'what the nodes say of themselves',
          surveys.why,
          'Ask where the SSH key is: in the cluster, as kubectl create job --from=cronjob/k8s-version-check does.',
        ),
      ];
    const said = surveys.value;
    const silent = nodes.value.flatMap((node) => {
      if (isOnTarget(node, target) || isHalfWay(node)) return [];
      const survey = Object.hasOwn(said, node.name) ? said[node.name] : undefined;
      if (survey?.known === true) return [];
      return [{ node: node.name, what: survey?.why ?? 'it was not asked' }];
    });
    return nodesFinding(
      {
        check: NAME,
        reason: 'NodeSilent',
        severity: 'block',
        said: 'nodes that are to be upgraded did not say what they are',
        remedy:
          'Mend what is named, then ask again: nightlift gate. A node that is gone for good: kubectl delete node NAME.',
      },
      silent,
    );
  },
};
