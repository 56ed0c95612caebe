import { Agent as PlainAgent } from 'node:http';
import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { NightliftError, reasonOf } from '../errors.ts';
import type { KubeCredentials } from './kube-credentials.ts';
import { createAgentCache } from './tls-agent.ts';

export interface KubeconfigChoice {
  readonly file: string;
  /** Default: its current-context. */
  readonly context?: string;
}

/** A kubeconfig with all that client-node knows: client certificates, tokens, exec plug-ins, OIDC, proxies. */
export function kubeconfigCredentials({ file, context }: KubeconfigChoice): KubeCredentials {
  const config = new KubeConfig();
  try {
    config.loadFromFile(file);
  } catch (error) {
    throw new NightliftError('config', `reading the kubeconfig ${file}: ${reasonOf(error)}`, {
      remedy: 'Give an existing file with --kubeconfig or KUBECONFIG.',
    });
  }
  if (context !== undefined) config.setCurrentContext(context);
  const cluster = config.getCurrentCluster();
  if (cluster === null || config.getCurrentUser() === null) {
    const known = config.getContexts().map(({ name }) => name);
    throw new NightliftError(
      'config',
      `reading the kubeconfig ${file}: the context "${config.getCurrentContext()}" has no cluster and user in it`,
      { remedy: `Name one of its contexts: ${known.join(', ') || 'it has none'}.` },
    );
  }
  const server = cluster.server.replace(/\/+$/, '');
  const agents = createAgentCache();
  const plain = new PlainAgent({ keepAlive: true });
  return {
    server,
    async authorize() {
      const options: RequestOptions = {};
      try {
        await config.applyToHTTPSOptions(options);
      } catch (error) {
        throw new NightliftError(
          'cluster',
          `getting credentials for ${server} from the kubeconfig ${file}: ${reasonOf(error)}`,
          {
            remedy: 'Log in again, or check the user of that context: kubectl uses the same.',
          },
        );
      }
      const headers: Record<string, string> = {};
      for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = String(value);
      if (typeof options.auth === 'string') {
        headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
      }
      // A proxy's agent comes from client-node; its plain ones open a connection for every request.
      if (cluster.proxyUrl !== undefined && options.agent instanceof PlainAgent)
        return { agent: options.agent, headers };
      if (server.startsWith('http:')) return { agent: plain, headers };
      return { agent: agents.get(options), headers };
    },
  };
}
