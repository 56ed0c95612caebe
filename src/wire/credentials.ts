import { homedir } from 'node:os';
import { join } from 'node:path';
import { inClusterCredentials, type KubeCredentials } from '../cluster/kube-credentials.ts';
import { nonEmpty } from '../environment.ts';
import { type Wiring } from './wiring.ts';

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

export async function credentialsOf(wiring: Wiring, inCluster: boolean): Promise<KubeCredentials> {
  const { environment } = wiring;
  if (inCluster) {
    return inClusterCredentials({
      host: environment.env['KUBERNETES_SERVICE_HOST'] ?? '',
      port: environment.env['KUBERNETES_SERVICE_PORT'] ?? '443',
      tokenFile: environment.path(`${SERVICE_ACCOUNT}/token`),
      caFile: environment.path(`${SERVICE_ACCOUNT}/ca.crt`),
    });
  }
  const file =
    wiring.kubeconfig ?? nonEmpty(environment.env['KUBECONFIG'])?.split(':')[0] ?? join(homedir(), '.kube', 'config');
  // Loaded when it is asked for: client-node costs a Job, which has no kubeconfig, 80 ms and 30 MB.
  const { kubeconfigCredentials } = await import('../cluster/kubeconfig.ts');
  return kubeconfigCredentials({ file, ...(wiring.context === undefined ? {} : { context: wiring.context }) });
}
