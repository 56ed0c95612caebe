import { AGAIN, type FailureExplanation } from './failure-explanation.ts';

/** Exit codes of our own scripts (templates/node), and those that a shell, timeout and a signal give. */
export const EXIT_CODES: Readonly<Record<number, FailureExplanation>> = {
  10: {
    reason: 'AptSource',
    message: "the node's apt source is not the expected one",
    remedy: 'Mend the Kubernetes source of the node, or the setting packages.baseUrl.',
  },
  11: {
    reason: 'PackageLockHeld',
    message: 'another program held the package lock too long',
    remedy: `See which one (often unattended-upgrades) and let it end. ${AGAIN}`,
  },
  12: {
    reason: 'PackageInstall',
    message: 'the package kubeadm could not be fetched or installed',
    remedy: 'Read what apt says, on the node.',
  },
  13: {
    reason: 'HoldsMissing',
    message: 'the packages could not be put on hold',
    remedy: 'On the node: apt-mark hold kubeadm kubelet kubectl',
  },
  14: {
    reason: 'ToolMissing',
    message: 'a program that the scripts need is not installed',
    remedy: 'Install it on the node.',
  },
  15: {
    reason: 'RepositoryKey',
    message: 'the key of the package repository is not acceptable',
    remedy: 'Compare it with the one that the Kubernetes project publishes.',
  },
  16: { reason: 'NotStaged', message: 'the packages of the target do not lie ready', remedy: AGAIN },
  17: {
    reason: 'PackageListRefresh',
    message: 'the package lists could not be refreshed',
    remedy: 'See that the node reaches the repository and that its key is right.',
  },
  20: {
    reason: 'KubeadmFailed',
    message: 'kubeadm failed; the kubelet was not touched',
    remedy: `Read the lines of kubeadm. ${AGAIN}`,
  },
  21: {
    reason: 'ManifestMissing',
    message: 'a control plane manifest is missing and no copy was found',
    remedy: 'Put the manifest back before the next run.',
  },
  22: {
    reason: 'StateDiffers',
    message: 'kubeadm ended well, but the manifests are not all on the target',
    remedy: 'Compare the images in /etc/kubernetes/manifests with kubeadm-config.',
  },
  23: {
    reason: 'WrongKubeadm',
    message: 'kubeadm answers with another version than its package has',
    remedy: 'Look for another kubeadm in the PATH, and for a noexec mount of /var.',
  },
  24: {
    reason: 'ImagePull',
    message: 'the images of the target could not be pulled; nothing was changed',
    remedy: 'See that the node reaches the registry and that it has the images.',
  },
  25: {
    reason: 'AnotherNode',
    message: 'the machine at the address of the node is another one',
    remedy:
      'Find out who has set that address: kubectl get nodes -o wide; a kubelet names it by --node-ip. Nothing was changed there.',
  },
  26: {
    reason: 'NodeNotProven',
    message: 'nothing proves which node the machine is',
    remedy: 'See on the node how its kubelet logs in: /etc/kubernetes/kubelet.conf leads to its client certificate.',
  },
  28: { reason: 'DiskFull', message: 'the disk of the node is full', remedy: 'Make room on the node.' },
  30: {
    reason: 'PackageInstall',
    message: 'the packages kubelet and kubectl could not be installed',
    remedy: 'Read what apt says, on the node.',
  },
  31: {
    reason: 'KubeletNotActive',
    message: 'the kubelet did not come up after its restart',
    remedy: 'On the node: journalctl -u kubelet',
  },
  32: {
    reason: 'KubeletFlags',
    message: 'the kubelet has a flag with which the target does not start',
    remedy: 'Take --pod-infra-container-image out of its files.',
  },
  40: {
    reason: 'ContainerdNotAvailable',
    message: 'the sources of the node do not have the containerd that is wanted; nothing was changed',
    remedy: 'On the node: apt-cache madison containerd containerd.io',
  },
  41: {
    reason: 'ContainerdNotActive',
    message: 'containerd did not answer after its restart',
    remedy: 'On the node: journalctl -u containerd',
  },
  42: {
    reason: 'ContainerdInstall',
    message: 'containerd could not be installed',
    remedy: 'Read what apt says, on the node.',
  },
  50: { reason: 'UnitLockHeld', message: 'another caller held the lock of the detached commands', remedy: AGAIN },
  51: {
    reason: 'UnitNotStarted',
    message: 'systemd did not start the command',
    remedy: 'On the node: systemctl status of the unit',
  },
  52: {
    reason: 'SnapshotLockHeld',
    message: 'another etcd snapshot was under way on the node',
    remedy: `See which one, and let it end. ${AGAIN}`,
  },
  53: {
    reason: 'LockLost',
    message: 'another holder of the lock of the chain has been there since; nothing was started',
    remedy: 'Nothing to do: this Job stops, and its next try waits for the lock.',
  },
  60: {
    reason: 'EtcdNotHere',
    message: 'the control plane has no etcd of its own that could be found',
    remedy: 'Name a CronJob that backs up etcd (snapshot.cronJob), or set snapshot.required: false.',
  },
  61: {
    reason: 'EtcdToolsMissing',
    message:
      'no etcd runs there whose image has the programs that are needed, or the directory of the snapshots is not safe',
    remedy: 'On the node: crictl ps --name etcd; the directory of the snapshots must belong to root.',
  },
  62: {
    reason: 'EtcdUnhealthy',
    message: 'etcd did not answer, has no quorum, or broke off the snapshot',
    remedy: 'Look at etcd before anything else: crictl logs of its container, disk latency, members.',
  },
  63: {
    reason: 'SnapshotUnsound',
    message: 'the snapshot is not sound, and was removed',
    remedy: `Look at the disk of the node and at etcd. ${AGAIN}`,
  },
  64: {
    reason: 'EtcdWentBack',
    message: 'etcd has an older revision than its last snapshot: it has lost data',
    remedy:
      'Find out what happened to etcd before anything else; after a restore on purpose, remove the .json files beside the snapshots.',
  },
  65: {
    reason: 'SnapshotUnsound',
    message: 'the snapshot could not be restored, or does not have the keys of the cluster, and was removed',
    remedy: `Look at the disk of the node and at etcd. ${AGAIN}`,
  },
  70: {
    reason: 'RequestRefused',
    message: 'the node program refuses what it was asked',
    remedy: 'When the settings of Nightlift were changed, install it anew: nightlift node install',
  },
  71: {
    reason: 'ReleaseMissing',
    message: 'the node program does not have the scripts of this version of Nightlift',
    remedy: 'Review and run on the node, as root, what this prints: nightlift node install',
  },
  124: {
    reason: 'TimeLimit',
    message: 'it ran over its time limit and was ended',
    remedy: 'See what it was waiting for; raise the limit only when it was still getting on.',
  },
  126: {
    reason: 'NotExecutable',
    message: 'a program could not be executed',
    remedy: 'See whether its file system is mounted noexec.',
  },
  127: {
    reason: 'ToolMissing',
    message: 'a program that the script needs is not there',
    remedy: 'Install it on the node; the last line names it.',
  },
  137: {
    reason: 'Killed',
    message: 'it was killed',
    remedy: `Look for the out-of-memory killer and for whoever stopped the unit. ${AGAIN}`,
  },
  143: { reason: 'Ended', message: 'it was asked to end (a shutdown, or somebody stopped the unit)', remedy: AGAIN },
};
