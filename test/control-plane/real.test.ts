import { describeControlPlane } from './contract/contract.ts';
import { kubePrograms } from './kube-programs.ts';
import { startControlPlane } from './real-control-plane.ts';

const READER_TOKEN = 'reader-token';
const programs = await kubePrograms();

describeControlPlane(
  'the real control plane',
  async () => {
    const tokens = { [READER_TOKEN]: { user: 'reader', groups: [] } };
    const controlPlane = await startControlPlane({ tokens });
    if ('missing' in controlPlane) throw new Error(controlPlane.missing);
    return { ...controlPlane, readerToken: READER_TOKEN };
  },
  'missing' in programs ? programs.missing : undefined,
);
