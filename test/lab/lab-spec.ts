import { type Family, families } from './address-families.ts';
import type { OddName } from './odd.ts';

export type ContainerdLine = '1.6' | '1.7';

export interface LabSpec {
  name: string;
  subnet: number;
  controlPlanes: number;
  workers: number;
  version: string;
  containerd: ContainerdLine;
  /** Nodes whose containerd differs from the others', by node name. */
  containerdOf: Record<string, ContainerdLine>;
  /** How the nodes differ from ours, in the order of the table. */
  odd: OddName[];
  /** etcd is a service of the first control plane, of which kubeadm knows the address only. */
  externalEtcd: boolean;
  sshPort: number;
  /** Behind the name of every node: `.rack-a.example`. */
  nodeSuffix: string;
  /** The first is the one that the lab's own servers have addresses of. */
  families: Family[];
}

export interface LabNode {
  name: string;
  role: 'control-plane' | 'worker';
  ip: string;
  /** As the families of the lab, of which `ip` is the first. */
  ips: string[];
  podCidrs: string[];
  container: string;
  containerd: ContainerdLine;
}

export interface Network {
  gateway: string;
  mirror: string;
  prefixLength: number;
}

type Addressed = Pick<LabSpec, 'subnet' | 'families'>;

export function networks({ subnet, families: wanted }: Addressed): Network[] {
  return wanted.map((family) => {
    const { prefix, prefixLength } = families[family];
    const at = (host: string): string => `${prefix(subnet)}${host}`;
    return { gateway: at('1'), mirror: at('2'), prefixLength };
  });
}

/** Where the lab's own servers are. */
export function network(spec: Addressed): Network {
  const [first] = networks(spec);
  if (first === undefined) throw new Error('a lab needs addresses of some family');
  return first;
}

export function podmanNetwork(name: string): string {
  return `nightlift-${name}`;
}

export function planNodes(spec: LabSpec): LabNode[] {
  const nodes: LabNode[] = [];
  const add = (name: string, role: LabNode['role'], host: number): void => {
    const ips = spec.families.map((family) => `${families[family].prefix(spec.subnet)}${host}`);
    nodes.push({
      name: `${name}${spec.nodeSuffix}`,
      role,
      ip: ips[0] ?? '',
      ips,
      podCidrs: spec.families.map((family) => families[family].podsOf(host)),
      container: `nightlift-${spec.name}-${name}`,
      containerd: spec.containerdOf[name] ?? spec.containerd,
    });
  };
  for (let index = 1; index <= spec.controlPlanes; index++) add(`cp${index}`, 'control-plane', 10 + index);
  for (let index = 1; index <= spec.workers; index++) add(`w${index}`, 'worker', 20 + index);
  return nodes;
}

export function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}
