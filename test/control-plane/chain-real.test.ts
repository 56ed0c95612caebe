import { describeChain } from './chain.ts';
import { kubePrograms } from './kube-programs.ts';
import { startControlPlane } from './real-control-plane.ts';

const programs = await kubePrograms();

describeChain(
  'the chain on the real control plane',
  async () => {
    const controlPlane = await startControlPlane();
    if ('missing' in controlPlane) throw new Error(controlPlane.missing);
    return { ...controlPlane, readerToken: '' };
  },
  'missing' in programs ? programs.missing : undefined,
);
