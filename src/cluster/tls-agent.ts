import { Agent, type RequestOptions } from 'node:https';

type TlsMaterial = Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized' | 'servername'>;

/** One agent, and with it one set of open connections, for as long as the TLS material stays the same. */
export function createAgentCache(): { get(material: TlsMaterial): Agent } {
  let current: { readonly key: string; readonly agent: Agent } | undefined;
  return {
    get({ ca, cert, key, rejectUnauthorized, servername }) {
      const id = [ca, cert, key, rejectUnauthorized, servername].map(String).join('\n');
      if (current?.key !== id) {
        const material = { ca, cert, key, rejectUnauthorized, servername };
        const given = Object.fromEntries(Object.entries(material).filter(([, value]) => value !== undefined));
        current = { key: id, agent: new Agent({ keepAlive: true, maxSockets: 16, ...given }) };
      }
      return current.agent;
    },
  };
}
