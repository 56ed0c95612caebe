import { NightliftError } from '../errors.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import type { NodeAddress } from './node-shell.ts';

/** @throws NightliftError (node) for a node without an InternalIP. */
export function addressOf(node: Pick<NodeFact, 'name' | 'internalIp'>): NodeAddress {
  if (node.internalIp !== null) return { name: node.name, internalIp: node.internalIp };
  throw new NightliftError('node', `reaching node ${node.name}: it has no address of type InternalIP`, {
    remedy: 'Give its kubelet --node-ip, or the cloud provider its addresses; Nightlift uses no other way to a node.',
  });
}
