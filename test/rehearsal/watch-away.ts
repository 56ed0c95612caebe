import type { Node } from '../../src/rehearsal/api/kinds.ts';
import { nodes } from '../../src/rehearsal/api/resources.ts';
import type { EmbeddedCluster } from '../../src/rehearsal/embedded-cluster.ts';
import type { Topology } from '../../src/rehearsal/topology.ts';

export const FIVE_WORKERS: Topology = {
  controlPlanes: 1,
  workers: 5,
  version: '1.36.3',
  published: ['1.36.4'],
  applicationsEverywhere: true,
};

/** Workers that were away at any moment: begun with and not finished, cordoned, or not Ready. */
export function watchAway({ server: { store } }: EmbeddedCluster) {
  const away = new Set<string>();
  const order: string[] = [];
  let most = 0;
  const close = store.subscribe(({ resource, object, type }) => {
    if (resource !== nodes || type === 'DELETED') return;
    const { metadata, spec, status } = object as Node;
    if (!metadata.name.startsWith('worker')) return;
    const isReady = status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true;
    const mark = metadata.annotations?.['nightlift/unfinished'];
    if (spec.unschedulable === true || mark !== undefined || !isReady) {
      if (!away.has(metadata.name)) order.push(metadata.name);
      away.add(metadata.name);
    } else away.delete(metadata.name);
    most = Math.max(most, away.size);
  });
  return { most: () => most, order, close };
}
