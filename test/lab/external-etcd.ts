import { stringify } from 'yaml';
import { hostPort } from '../../src/host-port.ts';
import type { LabNode, LabSpec } from './lab-spec.ts';
import { mustOnNode } from './nodes.ts';
import { etcdProgram } from './programs.ts';

const pki = '/etc/kubernetes/pki';

export function externalEtcd(node: LabNode): object {
  return {
    external: {
      endpoints: [`https://${hostPort(node.ip, 2379)}`],
      caFile: `${pki}/etcd/ca.crt`,
      certFile: `${pki}/apiserver-etcd-client.crt`,
      keyFile: `${pki}/apiserver-etcd-client.key`,
    },
  };
}

/** As kubeadm's documentation sets one up: kubeadm makes the certificates, and systemd runs etcd. */
export async function startExternalEtcd(spec: LabSpec, node: LabNode): Promise<void> {
  const { version } = await etcdProgram();
  const api = 'kubeadm.k8s.io/v1beta4';
  const config = [
    {
      apiVersion: api,
      kind: 'InitConfiguration',
      localAPIEndpoint: { advertiseAddress: node.ip },
      nodeRegistration: { name: node.name },
    },
    { apiVersion: api, kind: 'ClusterConfiguration', kubernetesVersion: `v${spec.version}` },
  ];
  const words = [
    '--name=external',
    '--data-dir=/var/lib/etcd',
    `--listen-client-urls=https://${hostPort(node.ip, 2379)}`,
    `--advertise-client-urls=https://${hostPort(node.ip, 2379)}`,
    '--listen-peer-urls=http://127.0.0.1:2380',
    `--cert-file=${pki}/etcd/server.crt`,
    `--key-file=${pki}/etcd/server.key`,
    `--trusted-ca-file=${pki}/etcd/ca.crt`,
    '--client-cert-auth=true',
  ];
  await mustOnNode(
    node,
    `cat >/run/etcd.yaml <<'CONFIG'
${config.map((document) => stringify(document)).join('---\n')}CONFIG
for part in etcd-ca etcd-server apiserver-etcd-client; do kubeadm init phase certs $part --config /run/etcd.yaml; done
cat >/etc/systemd/system/etcd.service <<'UNIT'
[Unit]
Description=etcd, which is not kubeadm's affair
[Service]
Type=notify
ExecStart=/opt/kube/etcd-${version}/etcd ${words.join(' ')}
Restart=always
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable -q --now etcd`,
  );
}
