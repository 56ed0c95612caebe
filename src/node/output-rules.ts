import { AGAIN, type FailureExplanation } from './failure-explanation.ts';

export interface OutputRule extends Omit<FailureExplanation, 'message'> {
  readonly message: string | ((match: RegExpExecArray) => string);
  readonly pattern: RegExp;
}

/**
 * kubeadm has one exit code for everything, so that its words must tell the cases apart. In order: the first that
 * matches counts, causes before consequences. The texts are kubeadm's own (kubeadm-facts.md A3, A5, A7; test/fixtures/recorded).
 */
export const KUBEADM_RULES: readonly OutputRule[] = [
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

/**
 * What the programs that our scripts call have said, where the exit code and the script's own last lines tell less. apt:
 * apt-pkg/acquire-item.cc and methods/gpgv.cc.
 */
export const OUTPUT_RULES: readonly OutputRule[] = [
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
