import { startApiServer } from '../../src/rehearsal/api/api-server.ts';
import { startControllers } from '../../src/rehearsal/controllers/controllers.ts';
import { describeControlPlane } from './contract/contract.ts';

const READER_TOKEN = 'reader-token';

describeControlPlane('the embedded control plane', async () => {
  const reader = { user: 'reader', groups: [], rules: 'rbac' } as const;
  const server = await startApiServer({ tokens: { [READER_TOKEN]: reader } });
  // The tests play the kubelets themselves, as on the real one, which has none either.
  const controllers = startControllers(server, { kubelets: false, reactionMs: 5 });
  return {
    url: server.url,
    caPem: server.caPem,
    adminToken: server.adminToken,
    readerToken: READER_TOKEN,
    kubeconfig: () => server.kubeconfig(),
    close: async () => {
      controllers.close();
      await server.close();
    },
  };
});
