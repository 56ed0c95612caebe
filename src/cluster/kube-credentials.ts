import { readFileSync } from 'node:fs';
import { type Agent as HttpAgent, Agent as PlainAgent } from 'node:http';
import { Agent, type RequestOptions } from 'node:https';
import { NightliftError, reasonOf } from '../errors.ts';

export interface Authorization {
  readonly agent: HttpAgent;
  readonly headers: Readonly<Record<string, string>>;
}

/** Who we are to which API server. Asked again for every request, because tokens and certificates are rotated under us. */
export interface KubeCredentials {
  /** Without trailing slash. */
  readonly server: string;
  authorize(): Promise<Authorization>;
}

export interface InClusterFiles {
  readonly host: string;
  readonly port: string | number;
  readonly tokenFile: string;
  readonly caFile: string;
}

/**
 * The service account of a pod. Both files are read for every request: the kubelet replaces a token before it expires,
 * and they are a few kilobytes in memory. client-node is left out here on purpose: loading it costs a Job 80 ms and 30 MB.
 */
export function inClusterCredentials(files: InClusterFiles): KubeCredentials {
  const host = files.host.includes(':') ? `[${files.host}]` : files.host;
  const agents = createAgentCache();
  return {
    server: `https://${host}:${files.port}`,
    async authorize() {
      const token = read(files.tokenFile).trim();
      if (token === '') throw unusable(files.tokenFile, 'it is empty');
      return { agent: agents.get({ ca: read(files.caFile) }), headers: { authorization: `Bearer ${token}` } };
    },
  };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw unusable(file, reasonOf(error));
  }
}

function unusable(file: string, problem: string): NightliftError {
  return new NightliftError('config', `reading the service account file ${file}: ${problem}`, {
    remedy: 'Run in a pod with a mounted service account token, or give a kubeconfig.',
  });
}

export interface KubeconfigChoice {
  readonly file: string;
  /** Default: its current-context. */
  readonly context?: string;
}

/** A kubeconfig with all that client-node knows: client certificates, tokens, exec plug-ins, OIDC, proxies. */
export async function kubeconfigCredentials({ file, context }: KubeconfigChoice): Promise<KubeCredentials> {
  const { KubeConfig } = await import('@kubernetes/client-node');
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

type TlsMaterial = Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized' | 'servername'>;

/** One agent, and with it one set of open connections, for as long as the TLS material stays the same. */
function createAgentCache(): { get(material: TlsMaterial): Agent } {
  let current: { readonly key: string; readonly agent: Agent } | undefined;
  return {
    get({ ca, cert, key, rejectUnauthorized, servername }) {
      const id = [ca, cert, key, rejectUnauthorized, servername].map(String).join('\n');
      if (current?.key !== id) {
        current?.agent.destroy();
        const material = { ca, cert, key, rejectUnauthorized, servername };
        const given = Object.fromEntries(Object.entries(material).filter(([, value]) => value !== undefined));
        current = { key: id, agent: new Agent({ keepAlive: true, maxSockets: 16, ...given }) };
      }
      return current.agent;
    },
  };
}
