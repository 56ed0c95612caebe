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
}

export interface LabNode {
  name: string;
  role: 'control-plane' | 'worker';
  ip: string;
  podCidr: string;
  container: string;
  containerd: ContainerdLine;
}

export const podNetwork = '10.244.0.0/16';

export function network(spec: Pick<LabSpec, 'subnet'>): { cidr: string; gateway: string; mirror: string } {
  const prefix = `10.77.${spec.subnet}`;
  return { cidr: `${prefix}.0/24`, gateway: `${prefix}.1`, mirror: `${prefix}.2` };
}

export function podmanNetwork(name: string): string {
  return `nightlift-${name}`;
}

export function planNodes(spec: LabSpec): LabNode[] {
  const nodes: LabNode[] = [];
  const add = (name: string, role: LabNode['role'], host: number): void => {
    nodes.push({
      name: `${name}${spec.nodeSuffix}`,
      role,
      ip: `10.77.${spec.subnet}.${host}`,
      podCidr: `10.244.${host}.0/24`,
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
