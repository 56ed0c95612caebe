import type { Check } from './check.ts';
import { nodesFinding } from './surveyed.ts';

const NAME = 'node-identity';

/** No two nodes are one machine, or clones of one: Nightlift knows a machine by its machine-id before it changes anything on it. */
export const nodeIdentity: Check = {
  name: NAME,
  reads: ['nodes'],
  evaluate({ nodes }) {
    // That they could not be read is said by node-survey.
    if (!nodes.known) return [];
    const byId = Map.groupBy(nodes.value, ({ machineId }) => machineId);
    const shared = [...byId].filter(([id, list]) => id !== '' && list.length > 1);
    return nodesFinding(
      {
        check: NAME,
        reason: 'MachineIdShared',
        severity: 'block',
        said: 'nodes with the same machine-id, so that one cannot be told from the other',
        remedy:
          'On the clone: rm /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup; then restart it. A Node object that is left over from another name: kubectl delete node NAME.',
      },
      shared.flatMap(([id, list]) => list.map(({ name }) => ({ node: name, what: id }))),
    );
  },
};
