import path from 'node:path';
import { stringify } from 'yaml';
import { hostPort } from '../../src/host-port.ts';
import { families } from './address-families.ts';
import { externalEtcd } from './external-etcd.ts';
import { type LabNode, type LabSpec, network, networks } from './lab-spec.ts';
import { dnsRepository, etcdElsewhere, patchesDirectory } from './odd.ts';

/** What a node that is a container on cgroup v1 cannot satisfy. */
export const ignoredPreflight = [
  'Swap',
  'SystemVerification',
  'FileContent--proc-sys-net-bridge-bridge-nf-call-iptables',
  'Mem',
  'NumCPU',
];

export interface JoinSecrets {
  token: string;
  certificateKey: string;
}

const api = 'kubeadm.k8s.io/v1beta4';

/** What kubeadm is told of other people's clusters. */
function oddCluster({ odd, externalEtcd: external }: LabSpec, first: LabNode): object {
  const local = odd.includes('etcd-elsewhere') ? { etcd: { local: { dataDir: etcdElsewhere } } } : {};
  return {
    ...(external ? { etcd: externalEtcd(first) } : local),
    ...(odd.includes('dns-repository') ? { dns: { imageRepository: dnsRepository } } : {}),
  };
}

function oddPatches({ odd }: LabSpec): object {
  return odd.includes('patches') ? { patches: { directory: patchesDirectory } } : {};
}

function registration(node: LabNode): object {
  return {
    name: node.name,
    criSocket: 'unix:///run/containerd/containerd.sock',
    ignorePreflightErrors: ignoredPreflight,
    kubeletExtraArgs: [{ name: 'node-ip', value: node.ips.join(',') }],
  };
}

export function endpointOf(spec: LabSpec, firstControlPlane: LabNode): string {
  return hostPort(spec.controlPlanes > 1 ? network(spec).gateway : firstControlPlane.ip, 6443);
}

export const auditPolicy = '/etc/kubernetes/audit/policy.yaml';
export const auditLog = '/var/log/kubernetes/audit.log';

/** What the product's accounts ask of the API server is written down; nobody else's requests are. */
export const auditPolicyText = stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', userGroups: ['system:serviceaccounts:k8s-upgrade'] }, { level: 'None' }],
});

function audit(): object {
  const volume = (name: string, file: string, readOnly: boolean): object => {
    const directory = path.dirname(file);
    return { name, hostPath: directory, mountPath: directory, readOnly, pathType: 'DirectoryOrCreate' };
  };
  return {
    extraArgs: [
      { name: 'audit-policy-file', value: auditPolicy },
      { name: 'audit-log-path', value: auditLog },
    ],
    extraVolumes: [volume('audit-policy', auditPolicy, true), volume('audit-log', auditLog, false)],
  };
}

function documents(...all: object[]): string {
  return all.map((document) => stringify(document)).join('---\n');
}

export function initConfig(spec: LabSpec, node: LabNode, secrets: JoinSecrets): string {
  return documents(
    {
      apiVersion: api,
      kind: 'InitConfiguration',
      nodeRegistration: registration(node),
      localAPIEndpoint: { advertiseAddress: node.ip, bindPort: 6443 },
      bootstrapTokens: [
        {
          token: secrets.token,
          ttl: '24h0m0s',
          usages: ['signing', 'authentication'],
          groups: ['system:bootstrappers:kubeadm:default-node-token'],
        },
      ],
      certificateKey: secrets.certificateKey,
      ...oddPatches(spec),
    },
    {
      apiVersion: api,
      kind: 'ClusterConfiguration',
      clusterName: spec.name,
      kubernetesVersion: `v${spec.version}`,
      controlPlaneEndpoint: endpointOf(spec, node),
      networking: {
        podSubnet: spec.families.map((family) => families[family].pods).join(','),
        serviceSubnet: spec.families.map((family) => families[family].services).join(','),
      },
      // Each node's range is in its CNI file already: the controller must not hand out others.
      controllerManager: { extraArgs: [{ name: 'allocate-node-cidrs', value: 'false' }] },
      ...oddCluster(spec, node),
      apiServer: { certSANs: [...networks(spec).map(({ gateway }) => gateway), '127.0.0.1'], ...audit() },
    },
    {
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      cgroupDriver: 'cgroupfs',
      failCgroupV1: false,
      failSwapOn: false,
      evictionHard: {
        'memory.available': '0%',
        'nodefs.available': '0%',
        'nodefs.inodesFree': '0%',
        'imagefs.available': '0%',
        'imagefs.inodesFree': '0%',
      },
      imageGCHighThresholdPercent: 100,
    },
    { apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration', conntrack: { maxPerCore: 0 } },
  );
}

export function joinConfig(spec: LabSpec, first: LabNode, node: LabNode, secrets: JoinSecrets, caHash: string): string {
  return documents({
    apiVersion: api,
    kind: 'JoinConfiguration',
    nodeRegistration: registration(node),
    ...oddPatches(spec),
    discovery: {
      bootstrapToken: { apiServerEndpoint: endpointOf(spec, first), token: secrets.token, caCertHashes: [caHash] },
    },
    ...(node.role === 'worker'
      ? {}
      : {
          controlPlane: {
            localAPIEndpoint: { advertiseAddress: node.ip, bindPort: 6443 },
            certificateKey: secrets.certificateKey,
          },
        }),
  });
}
