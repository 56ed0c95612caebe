import { someOf } from '../some-of.ts';
import type { Check } from './check.ts';
import { unknownFinding } from './unknown-finding.ts';

const NAME = 'node-addresses';

/**
 * No two nodes have one address. A kubelet writes the addresses of its own node (the NodeRestriction plugin lets it), so a
 * node can name another's: then the one would be drained and the other changed.
 */
export const nodeAddresses: Check = {
  name: NAME,
  reads: ['nodes'],
  evaluate(facts) {
    if (!facts.nodes.known) {
      return [unknownFinding(NAME, 'the nodes', facts.nodes.why, 'Look at the API server: kubectl get nodes.')];
    }
    const byAddress = Map.groupBy(facts.nodes.value, ({ internalIp }) => internalIp);
    return [...byAddress].flatMap(([address, nodes]) => {
      if (address === null || nodes.length === 1) return [];
      const names = someOf(nodes.map(({ name }) => name));
      return [
        {
          check: NAME,
          reason: 'AddressShared',
          class: 'actionable',
          severity: 'block',
          message: `the nodes ${names} have one InternalIP, ${address}: what is meant for one of them would reach another`,
          remedy: `Find out which machine has ${address}, and set --node-ip of the kubelet on the others; when nobody has set it so, ask who did.`,
        },
      ];
    });
  },
};
