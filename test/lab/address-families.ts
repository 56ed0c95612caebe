/** What the nodes, their pods and the Services have addresses of. A cluster with both has IPv4 first. */
export type Family = 'ipv4' | 'ipv6';

interface AddressFamily {
  /** The nodes' network of a lab, without the last part of an address. */
  readonly prefix: (subnet: number) => string;
  readonly prefixLength: number;
  readonly pods: string;
  readonly podsOf: (host: number) => string;
  readonly services: string;
  readonly anywhere: string;
  readonly forwarding: string;
  readonly ip: string;
  readonly iptables: string;
  /** Of podman, for the address of a container. */
  readonly option: string;
}

export const families: Readonly<Record<Family, AddressFamily>> = {
  ipv4: {
    prefix: (subnet) => `10.77.${subnet}.`,
    prefixLength: 24,
    pods: '10.244.0.0/16',
    podsOf: (host) => `10.244.${host}.0/24`,
    services: '10.96.0.0/16',
    anywhere: '0.0.0.0/0',
    forwarding: 'net.ipv4.ip_forward',
    ip: 'ip -4',
    iptables: 'iptables',
    option: '--ip',
  },
  ipv6: {
    prefix: (subnet) => `fd77:${subnet}::`,
    prefixLength: 64,
    pods: 'fd44::/48',
    podsOf: (host) => `fd44:0:0:${host}::/64`,
    services: 'fd96::/112',
    anywhere: '::/0',
    forwarding: 'net.ipv6.conf.all.forwarding',
    ip: 'ip -6',
    iptables: 'ip6tables',
    option: '--ip6',
  },
};
