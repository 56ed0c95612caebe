/** CamelCase, usable as a metric label. */
export interface FailureExplanation {
  readonly reason: string;
  readonly message: string;
  readonly remedy: string;
}

interface Rule extends Omit<FailureExplanation, 'message'> {
  readonly message: string | ((match: RegExpExecArray) => string);
  readonly pattern: RegExp;
}

const AGAIN = 'Start again (the next night does); every step looks at the state first.';

/**
 * kubeadm has one exit code for everything, so that its words must tell the cases apart. In order: the first that
 * matches counts, causes before consequences. The texts are kubeadm's own (kubeadm-facts.md A3, A5, A7; test/fixtures/recorded).
 */
const KUBEADM_RULES: readonly Rule[] = [
  {
    reason: 'DiskFull',
    pattern: /no space left on device/i,
    message: 'the disk of the node is full',
    remedy: `Make room: kubeadm copies etcd's data to /etc/kubernetes/tmp at every run. ${AGAIN}`,
  },
  {
    reason: 'ImagePull',
    pattern: /\[ERROR ImagePull\]: failed to pull image "?([^\s":]+(?::\d+)?\/?[^\s":]*:[^\s":]+)/,
    message: ([, image]) => `the image ${image} could not be pulled; nothing was changed`,
    remedy: `See that the registry has the image and that the node reaches it: crictl pull IMAGE. ${AGAIN}`,
  },
  {
    reason: 'EtcdHashUnchanged',
    pattern: /static Pod hash for component etcd on Node (\S+) did not change/,
    message: ([, node]) =>
      `the static pod of etcd on ${node} never showed a new hash, so kubeadm gave up and put the manifests back`,
    remedy:
      "When etcd's image is the same before and after, the upgrade goes on without etcd (--etcd-upgrade=false). Else look at the kubelet and at etcd: journalctl -u kubelet, crictl ps -a.",
  },
  {
    reason: 'StaticPodNotRestarted',
    pattern: /static Pod hash for component (\S+) on Node (\S+) did not change/,
    message: ([, component, node]) =>
      `the kubelet of ${node} did not restart ${component} in time; kubeadm put the manifests back`,
    remedy: `Look at the kubelet and the disk of the node: journalctl -u kubelet, iostat. ${AGAIN}`,
  },
  {
    reason: 'HealthCheckJob',
    pattern: /\[ERROR CreateJob\]: ([^\n]+)/,
    message: ([, text]) => `kubeadm's test Job in kube-system did not end: ${text}`,
    remedy:
      'See what keeps a Job in kube-system from running: admission webhooks, quotas, taints on all nodes, a slow pull of the pause image.',
  },
  {
    reason: 'ControlPlaneNotReady',
    pattern: /\[ERROR ControlPlaneNodesReady\]: ([^\n]+)/,
    message: ([, text]) => `${text}`,
    remedy: 'Bring every control plane to Ready first; kubeadm waits for the pods of all of them.',
  },
  {
    reason: 'ManifestMissing',
    pattern: /\[ERROR StaticPodManifest\]: ([^\n]+)/,
    message: ([, text]) => `${text}`,
    remedy:
      'Put the manifest back into /etc/kubernetes/manifests; copies are in /etc/kubernetes/tmp/kubeadm-backup-manifests-*.',
  },
  {
    reason: 'PreflightCheck',
    pattern: /\[ERROR (\w+)\]: ([^\n]+)/,
    message: ([, check, text]) => `kubeadm's check ${check} failed: ${text}`,
    remedy:
      'Mend what the check names, or add the check to kubeadm.ignorePreflightErrors when it is known to be harmless here.',
  },
  {
    reason: 'VersionPolicy',
    pattern: /- (Specified version to (?:upgrade|downgrade) to [^\n]+|Kubeadm version [^\n]+can only be used[^\n]+)/,
    message: ([, text]) => `kubeadm refuses the version: ${text}`,
    remedy: 'Go one minor at a time, with the kubeadm of the target.',
  },
  {
    reason: 'EtcdUnhealthy',
    pattern:
      /etcd cluster is not healthy[^\n]*|(?:failed to|could not) upgrade etcd[^\n]*|timed out waiting for etcd[^\n]*|etcdserver: [^\n]+/i,
    message: ([text]) => `etcd is not well: ${text}`,
    remedy:
      'Look at etcd before anything else: crictl logs of its container, disk latency, members. The snapshot that was taken before is named in the report.',
  },
  {
    // Some builds of kubeadm end without their last line: what it was waiting for is the last thing that it said.
    reason: 'StaticPodNotRestarted',
    pattern:
      /Preparing for "([\w-]+)" upgrade(?:(?!Preparing for)[\s\S])*This can take up to \S+\s*(?:nightlift: [^\n]*(?:\n\s*|$))*$/,
    message: ([, component]) => `kubeadm ended while it waited for ${component} to be restarted`,
    remedy: `Look at the kubelet and the disk of the node: journalctl -u kubelet, crictl ps -a. ${AGAIN}`,
  },
  {
    reason: 'ApiServerAway',
    pattern:
      /connection refused|connection to the server [^\n]*refused|net\/http: TLS handshake timeout|Client\.Timeout exceeded|i\/o timeout|unexpected EOF|no route to host/,
    message: 'the API server did not answer',
    remedy: `See whether its static pod comes back: crictl ps -a, /var/log/pods/kube-system_kube-apiserver*. ${AGAIN}`,
  },
];

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
    reason: 'ContainerdInstall',
    message: 'containerd could not be installed',
    remedy: 'Read what apt says, on the node.',
  },
  41: {
    reason: 'ContainerdNotActive',
    message: 'containerd did not answer after its restart',
    remedy: 'On the node: journalctl -u containerd',
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

/**
 * What the programs that our scripts call have said, where the exit code and the script's own last lines tell less. apt:
 * apt-pkg/acquire-item.cc and methods/gpgv.cc.
 */
const OUTPUT_RULES: readonly Rule[] = [
  {
    reason: 'DiskFull',
    pattern: /^.*no space left on device.*$/im,
    message: ([line]) => `a disk of the node is full: ${line.trim()}`,
    remedy: `Make room on the node: df -h shows where. Nightlift writes to /var/lib/nightlift and /tmp. ${AGAIN}`,
  },
  {
    reason: 'PackageListRefresh',
    pattern: /EXPKEYSIG ([0-9A-F]+)/,
    message: ([, key]) => `the package index is signed with the key ${key}, which has expired`,
    remedy:
      'When the repository has published an extended key (its Release.key), put that into the keyring that the apt source of the node names.',
  },
  {
    reason: 'PackageListRefresh',
    pattern: /NO_PUBKEY ([0-9A-F]+)/,
    message: ([, key]) => `the package index is signed with the key ${key}, which the node does not trust`,
    remedy:
      "Find out whose key that is: a mirror or somebody else may have signed. When it is the repository's new one, put its Release.key into the keyring that the apt source of the node names.",
  },
  {
    reason: 'PackageListRefresh',
    pattern: /^.*(?:BADSIG|signatures? (?:were|was) invalid|is not signed|Clearsigned file isn't valid).*$/m,
    message: ([line]) => `the signature of the package index is wrong: ${line.trim()}`,
    remedy:
      'See what answers in place of the repository: a proxy or a mirror that is out of step. Nothing was installed.',
  },
];

/** What `followDetached` notes at the end of the output of a command that systemd's service result says so of. */
export const OUT_OF_MEMORY = 'the node ran out of memory';

/**
 * What the end of a node script means; pure. A script's own last lines ("nightlift: failed", "nightlift: what to do")
 * count before the table, kubeadm's words before its exit code.
 */
export function explainFailure(script: string, exitCode: number, tail: string): FailureExplanation {
  const said = /^nightlift: failed: (.*\S.*)$/m.exec(tail)?.[1];
  const advice = /^nightlift: what to do: (.*\S.*)$/m.exec(tail)?.[1];
  if (exitCode === 137 && tail.includes(OUT_OF_MEMORY)) {
    return {
      reason: 'OutOfMemory',
      message: 'the node ran out of memory, and it was killed',
      remedy: `Free memory on the node, or give it more: dmesg names who used it. ${AGAIN}`,
    };
  }
  const known = EXIT_CODES[exitCode];
  const vague = known === undefined || exitCode === 17;
  const asKubeadm = exitCode === 20 || ((script === 'plan' || script === 'diff') && known === undefined);
  const rules = asKubeadm ? KUBEADM_RULES : vague ? OUTPUT_RULES : [];
  // klog's lines are full of refused connections also when all goes well.
  const words = tail.replaceAll(/^[WEI]\d{4} .*$/gm, '');
  for (const { pattern, reason, message, remedy } of rules) {
    const match = pattern.exec(words);
    if (match !== null) return { reason, message: typeof message === 'string' ? message : message(match), remedy };
  }
  if (known !== undefined)
    return { reason: known.reason, message: said ?? known.message, remedy: advice ?? known.remedy };
  const last = tail.trimEnd().split('\n').at(-1)?.trim();
  return {
    reason: 'ScriptFailed',
    message: said ?? (last === undefined || last === '' ? `${script}.sh printed nothing` : last),
    remedy: advice ?? `Run ${script}.sh by hand on the node to see more. ${AGAIN}`,
  };
}
