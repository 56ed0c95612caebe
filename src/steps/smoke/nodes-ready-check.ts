import { suchNodes } from '../../observe/such-nodes.ts';
import type { SmokeCheck } from './smoke-check.ts';

export const nodesAreReady: SmokeCheck = {
  reason: 'NodesNotReady',
  what: 'every node is Ready',
  remedy: 'kubectl describe node says why; smoke.nodesReady decides whether it is asked.',
  isWanted: ({ smoke }) => smoke.nodesReady,
  async look({ deps, signal }) {
    return (await suchNodes(deps.cluster, ({ ready }) => ready !== 'yes', signal)).map(({ name }) => name);
  },
};
