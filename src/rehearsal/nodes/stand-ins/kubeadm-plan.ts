import { kubeadmImage } from '../kubeadm-images.ts';
import type { StandInCall } from '../stand-in.ts';
import { type KubeadmRequest, kubeadmError } from './kubeadm-request.ts';

/** `kubeadm upgrade plan vX.Y.Z`: nothing after the version lines when the cluster is there already. */
export async function kubeadmPlan(call: StandInCall, request: KubeadmRequest): Promise<number> {
  const target = (request.words[2] ?? request.version).replace(/^v/, '');
  call.out('[preflight] Running pre-flight checks.\n');
  const running = await call.machine.cluster.apiServerVersions();
  const current = [...running.values()].toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }))[0];
  if (current === undefined) return kubeadmError(call, "couldn't find any static Pods of the kube-apiserver");
  call.out(
    [
      '[upgrade/config] Reading configuration from the "kubeadm-config" ConfigMap in namespace "kube-system"...',
      "[upgrade/config] Use 'kubeadm init phase upload-config kubeadm --config your-config-file' to re-upload it.",
      '[upgrade] Running cluster health checks',
      '[upgrade] Fetching available versions to upgrade to',
      `[upgrade/versions] Cluster version: ${current}`,
      `[upgrade/versions] kubeadm version: v${request.version}`,
      `[upgrade/versions] Target version: v${target}`,
      `[upgrade/versions] Latest version in the v${minorOf(current)} series: v${target}`,
      '',
    ].join('\n'),
  );
  if (current.localeCompare(target, 'en', { numeric: true }) >= 0) return 0;
  const rows = [...running].flatMap(([node]) =>
    ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((name) => [
      name,
      node,
      `v${current}`,
      `v${target}`,
    ]),
  );
  const table = [
    ['COMPONENT', 'NODE', 'CURRENT', 'TARGET'],
    ...rows,
    ['kube-proxy', '', current, `v${target}`],
    ['CoreDNS', '', tag('coredns', current), tag('coredns', target)],
    ...[...running.keys()].map((node) => ['etcd', node, tag('etcd', current), tag('etcd', target)]),
  ];
  call.out(
    [
      '',
      `Upgrade to the latest version in the v${minorOf(current)} series:`,
      '',
      ...table.map((row) => row.map((cell, index) => cell.padEnd([26, 10, 10, 0][index] ?? 0)).join('')),
      '',
      'You can now apply the upgrade by executing the following command:',
      '',
      `\tkubeadm upgrade apply v${target}`,
      '',
      '_____________________________________________________________________',
      '',
    ].join('\n'),
  );
  return 0;
}

function tag(component: string, version: string): string {
  return kubeadmImage(component, version).split(':').at(-1) ?? '';
}

function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}
