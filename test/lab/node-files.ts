import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { hostPort } from '../../src/host-port.ts';
import { families } from './address-families.ts';
import { sandboxImage } from './kube-images.ts';
import { auditPolicy, auditPolicyText } from './kubeadm-config.ts';
import { registryPort } from './lab-server.ts';
import { type LabNode, type LabSpec, network, networks } from './lab-spec.ts';
import { repositoryPort } from './odd.ts';
import { nodeUser } from './root-filesystem.ts';

export interface NodeKeys {
  hostKey: string;
  hostKeyPublic: string;
  authorizedKey: string;
}

/** SystemdCgroup off and restrict_oom_score_adj on: this machine has cgroup v1, and a container may not lower its score. */
function containerdConfig(): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
[${cri}]
  sandbox_image = "${sandboxImage}"
  restrict_oom_score_adj = true
[${cri}.cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "/etc/cni/net.d"
[${cri}.registry]
  config_path = "/etc/containerd/certs.d"
[${cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[${cri}.containerd.runtimes.runc.options]
  SystemdCgroup = false
`;
}

/** ptp, not bridge: every answer passes the node's own routing, so Services work between two pods of one node. */
function podNetworkConfig(spec: LabSpec, node: LabNode): string {
  const ipam = {
    type: 'host-local',
    ranges: node.podCidrs.map((subnet) => [{ subnet }]),
    routes: spec.families.map((family) => ({ dst: families[family].anywhere })),
  };
  return JSON.stringify({
    cniVersion: '0.4.0',
    name: 'lab',
    plugins: [
      { type: 'ptp', ipMasq: false, ipam },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  });
}

/** Pods reach pods as they are, and everything else as their node. Without a default route no Service would be reached. */
function networkScript(spec: LabSpec, node: LabNode, all: LabNode[]): string {
  const others = all.filter((other) => other.name !== node.name);
  const lines = spec.families.flatMap((family, index) => {
    const { forwarding, ip, iptables, pods } = families[family];
    const nat = `POSTROUTING -s ${node.podCidrs[index] ?? ''} ! -d ${pods} -j MASQUERADE`;
    return [
      `sysctl -q -w ${forwarding}=1`,
      `${ip} route replace default via ${networks(spec)[index]?.gateway ?? ''}`,
      ...others.map((other) => `${ip} route replace ${other.podCidrs[index] ?? ''} via ${other.ips[index] ?? ''}`),
      `${iptables} -t nat -C ${nat} 2>/dev/null || ${iptables} -t nat -A ${nat}`,
    ];
  });
  return ['#!/bin/sh', ...lines, ''].join('\n');
}

const networkUnit = `[Unit]
Description=Routes between the lab's nodes
After=network.target
Before=kubelet.service containerd.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/lab-network
[Install]
WantedBy=multi-user.target
`;

const containerdLimits = '[Service]\nLimitNOFILE=8192\nLimitNPROC=8192\nLimitCORE=0\nOOMScoreAdjust=0\n';

export function repositoryLine(spec: LabSpec, minor: string): string {
  const base = `http://${hostPort(network(spec).gateway, repositoryPort)}`;
  return `deb [signed-by=/etc/apt/keyrings/kubernetes-apt-keyring.gpg] ${base}/core:/stable:/v${minor}/deb/ /\n`;
}

/** Writes a node's own files into its file system before it boots. */
export async function writeNodeFiles(
  root: string,
  spec: LabSpec,
  node: LabNode,
  all: LabNode[],
  keys: NodeKeys,
  keyring: Buffer,
  minor: string,
): Promise<void> {
  const { gateway, mirror } = network(spec);
  const registry = `http://${hostPort(gateway, registryPort)}`;
  const put = async (file: string, content: string | Buffer, mode = 0o644): Promise<void> => {
    const full = path.join(root, file);
    await mkdir(path.dirname(full), { recursive: true });
    await writeFile(full, content);
    await chmod(full, mode);
  };
  await put('etc/hostname', `${node.name}\n`);
  await put('etc/containerd/config.toml', containerdConfig());
  await put(
    'etc/containerd/certs.d/_default/hosts.toml',
    // An inline table: containerd's TOML takes no ']' in the key of a table.
    `server = "${registry}"\nhost = { "${registry}" = { capabilities = ["pull", "resolve"] } }\n`,
  );
  await put('etc/systemd/system/containerd.service.d/lab.conf', containerdLimits);
  await put('etc/cni/net.d/10-lab.conflist', podNetworkConfig(spec, node));
  await put('usr/local/sbin/lab-network', networkScript(spec, node, all), 0o755);
  await put('etc/systemd/system/lab-network.service', networkUnit);
  if (node.role === 'control-plane') await put(auditPolicy, auditPolicyText);
  await put('etc/crictl.yaml', 'runtime-endpoint: unix:///run/containerd/containerd.sock\n');
  await put('etc/ssh/ssh_host_ed25519_key', keys.hostKey, 0o600);
  await put('etc/ssh/ssh_host_ed25519_key.pub', keys.hostKeyPublic);
  await put(
    'etc/ssh/sshd_config.d/lab.conf',
    `Port ${spec.sshPort}\nHostKey /etc/ssh/ssh_host_ed25519_key\nPasswordAuthentication no\nUseDNS no\n`,
  );
  await put(`home/${nodeUser}/.ssh/authorized_keys`, keys.authorizedKey, 0o600);
  await chown(path.join(root, `home/${nodeUser}/.ssh/authorized_keys`), 1000, 1000);
  await put('etc/apt/keyrings/kubernetes-apt-keyring.gpg', keyring);
  await put('etc/apt/sources.list.d/kubernetes.list', repositoryLine(spec, minor));
  const debian = `deb [signed-by=/etc/apt/keyrings/kubernetes-apt-keyring.gpg] http://${hostPort(mirror, repositoryPort)}/debian/ /\n`;
  await put('etc/apt/sources.list.d/debian.list', debian);
}
