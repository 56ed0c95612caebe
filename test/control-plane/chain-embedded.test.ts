import { startApiServer } from '../../src/rehearsal/api/api-server.ts';
import { startControllers } from '../../src/rehearsal/controllers/controllers.ts';
import { describeChain } from './chain.ts';

describeChain('the chain on the embedded control plane', async () => {
  const server = await startApiServer();
  const controllers = startControllers(server, { kubelets: false, reactionMs: 5 });
  return {
    url: server.url,
    caPem: server.caPem,
    adminToken: server.adminToken,
    readerToken: '',
    kubeconfig: () => server.kubeconfig(),
    close: async () => {
      controllers.close();
      await server.close();
    },
  };
});
