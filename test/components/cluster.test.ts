import { describe } from 'vitest';
import { startApiServer } from '../../src/rehearsal/api/api-server.ts';
import { startControllers } from '../../src/rehearsal/controllers/controllers.ts';
import { kubePrograms } from '../control-plane/kube-programs.ts';
import { startControlPlane } from '../control-plane/real-control-plane.ts';
import { describeCluster } from './cluster/contract.ts';

const powerlessToken = 'powerless';

describeCluster('the Cluster port on the embedded API server', async () => {
  const server = await startApiServer({ tokens: { [powerlessToken]: { user: 'nobody', groups: [], rules: [] } } });
  const controllers = startControllers(server, { kubelets: false, reactionMs: 5 });
  return {
    powerlessToken,
    kubeconfig: (token) => server.kubeconfig(token),
    async close() {
      controllers.close();
      await server.close();
    },
  };
});

const programs = await kubePrograms();
const missing = 'missing' in programs ? ` (not tried: ${programs.missing})` : '';
describe.skipIf(missing !== '')('real', () => {
  describeCluster(`the Cluster port on a real API server${missing}`, async () => {
    const controlPlane = await startControlPlane({ tokens: { [powerlessToken]: { user: 'nobody', groups: [] } } });
    if ('missing' in controlPlane) throw new Error(controlPlane.missing);
    return { ...controlPlane, powerlessToken };
  });
});
