import { lookup } from 'node:dns/promises';
import { stringify } from 'yaml';
import { NightliftError, reasonOf } from '../errors.ts';
import { controlPlanes } from '../facts/nodes.ts';
import { type NamedHost, namedHost, narrowPolicies, type Place, packageHosts } from '../install/network-policies.ts';
import { addressOf } from '../node/node-address.ts';
import { type Call, EXIT, text } from './call/command.ts';
import { withSession } from './call/session.ts';

/** kubeadm's. */
const API_PORT = 6443;

export async function run(call: Call): Promise<number> {
  const also = (text(call, 'also') ?? 'hooks.slack.com').split(',').map(hostOf);
  return await withSession(call, async ({ deps }) => {
    const { cluster, settings } = deps;
    const nodes = await cluster.nodes(call.signal);
    const service = await cluster.apiService(call.signal);
    const pods = await cluster.pods({ namespace: 'kube-system', labels: 'component=kube-apiserver' }, call.signal);
    const apiServers = controlPlanes(nodes).map((node): Place => {
      const written = pods.find((pod) => pod.node === node.name)?.apiServerAddress ?? '';
      return { address: addressOf(node).internalIp, port: Number(/:(\d+)$/.exec(written)?.[1] ?? API_PORT) };
    });
    const outside: Place[] = [];
    for (const { host, port } of [...packageHosts(settings), ...also])
      for (const address of await addressesOf(host)) outside.push({ address, port });
    const objects = narrowPolicies(settings, {
      nodes: nodes.map((node) => addressOf(node).internalIp),
      // Before and after the address of the Service is translated.
      apiServers: service === undefined ? apiServers : [...apiServers, service],
      outside,
    });
    call.output.raw(`# Written by: nightlift network-policy, ${deps.clock.now().toISOString()}\n`);
    call.output.raw(objects.map((object) => stringify(object, { lineWidth: 0 })).join('---\n'));
    return EXIT.done;
  });
}

function hostOf(word: string): NamedHost {
  const found = namedHost(word.trim());
  if (found !== undefined) return found;
  throw new NightliftError('usage', `reading --also: "${word}" is no host with a port`, {
    remedy: 'nightlift network-policy --also hooks.slack.com,mirror.example:8443,[fd00::5]:8443',
  });
}

async function addressesOf(host: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    throw new NightliftError('network', `looking up ${host}: ${reasonOf(error)}`, {
      remedy: 'Run it where names are resolved as they are in the cluster.',
    });
  }
}
