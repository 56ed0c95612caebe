import { readFileSync } from 'node:fs';
import type { Agent as HttpAgent } from 'node:http';
import { NightliftError, reasonOf } from '../errors.ts';
import { hostPort } from '../host-port.ts';
import { createAgentCache } from './tls-agent.ts';

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
  const agents = createAgentCache();
  return {
    server: `https://${hostPort(files.host, files.port)}`,
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
