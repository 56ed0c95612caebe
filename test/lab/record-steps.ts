export interface RecordStep {
  /** The directory: the version of kubeadm on the node when the command ran. */
  version: string;
  name: string;
  node: string;
  command: string;
  /** Made so on the node before, and unmade after; neither is recorded. */
  before?: string;
  after?: string;
  /** A word to the lab itself, before and after: `repository sign wrong`. */
  lab?: string[];
  labAfter?: string[];
}

const ignore = 'CoreDNSMigration,CoreDNSUnsupportedPlugins,SystemVerification';
const apply = `sudo kubeadm upgrade apply -y --ignore-preflight-errors=${ignore} --skip-phases=addon/coredns`;
const upgradeNode = `sudo kubeadm upgrade node --ignore-preflight-errors=${ignore}`;
const apt = 'sudo apt-get -q -y';

/** apt asks for its locks with fcntl, which flock(1) does not take. */
function holdLock(file: string): string {
  // "time * 0": perl refuses to let fcntl write into a constant, and systemd-run would expand a variable.
  const region = 'pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, time * 0)';
  const perl = `use Fcntl; open(F, ">", "${file}"); fcntl(F, F_SETLK, ${region}) or die; sleep 60`;
  return `sudo systemd-run -q --unit=lab-lock perl -e '${perl}'; sleep 1`;
}

const releaseLock = 'sudo systemctl stop lab-lock; sudo systemctl reset-failed lab-lock';

function install(version: string, packages = 'kubeadm'): string {
  const names = packages.split(' ');
  const wanted = names.map((name) => `'${name}=${version}-*'`).join(' ');
  return `sudo apt-mark -q unhold ${packages} && ${apt} install ${wanted} && sudo apt-mark -q hold ${packages}`;
}

function steps(version: string, node: string, all: Record<string, string>): RecordStep[] {
  return Object.entries(all).map(([name, command]) => ({ version, name, node, command }));
}

/** A cluster of 1.36.3 with two or three control planes and a worker goes to 1.36.4. */
export const patchSteps: RecordStep[] = [
  ...steps('1.36.3', 'cp1', {
    'apt-get-update': 'sudo apt-get update',
    'apt-cache-madison': 'apt-cache madison kubeadm',
    'apt-cache-madison-unknown': 'apt-cache madison kubeadmin',
    'apt-cache-policy': 'apt-cache policy kubeadm',
    'apt-mark-showhold': 'apt-mark showhold',
    'apt-get-install-held': `${apt} install 'kubeadm=1.36.4-*'`,
    'apt-get-install-equal': `${apt} install kubeadm=1.36.3-1.1`,
    'apt-get-install-absent': `${apt} install kubeadm=1.36.9-1.1`,
    'apt-get-install-absent-glob': `${apt} install 'kubeadm=1.36.9-*'`,
    'apt-get-install-unknown': `${apt} install kubeadmin`,
    'apt-mark-unhold': 'sudo apt-mark unhold kubeadm',
    'apt-mark-unhold-again': 'sudo apt-mark unhold kubeadm',
    'apt-mark-showhold-two': 'apt-mark showhold',
    'apt-mark-hold': 'sudo apt-mark hold kubeadm',
    'apt-mark-hold-again': 'sudo apt-mark hold kubeadm',
    'dpkg-query': "dpkg-query -W -f='${Status} ${Version}\\n' kubeadm kubelet kubectl",
    'dpkg-query-absent': "dpkg-query -W -f='${Status} ${Version}\\n' kubeadmin",
    'kubeadm-version': 'kubeadm version -o short',
    'kubelet-version': 'kubelet --version',
    'kubectl-version': 'kubectl version --client',
    'containerd-version': 'containerd --version',
    'ctr-version': 'sudo ctr version',
    'crictl-version': 'sudo crictl version',
    'kubeadm-upgrade-plan': 'sudo kubeadm upgrade plan v1.36.4 --ignore-preflight-errors=SystemVerification',
    'kubeadm-upgrade-plan-json':
      'sudo kubeadm upgrade plan v1.36.4 -o json --ignore-preflight-errors=SystemVerification',
    'kubeadm-upgrade-diff': 'sudo kubeadm upgrade diff v1.36.4',
    'kubeadm-config-images-list': 'kubeadm config images list --kubernetes-version v1.36.4',
    'kubeadm-not-root': 'kubeadm upgrade plan v1.36.4',
    'systemctl-show-kubelet':
      'systemctl show kubelet -p LoadState,ActiveState,SubState,Result,ExecMainStatus,ExecMainCode,NRestarts',
    'systemctl-show-unknown':
      'systemctl show k8s-upgrade-nothing -p LoadState,ActiveState,SubState,Result,ExecMainStatus,ExecMainCode,NRestarts',
    'systemd-run': 'sudo systemd-run --unit=lab-task -r true',
    'systemd-run-clash': 'sudo systemd-run --unit=lab-task -r true',
    'systemctl-show-succeeded':
      'sleep 1; systemctl show lab-task -p LoadState,ActiveState,SubState,Result,ExecMainStatus,ExecMainCode',
    'systemd-run-failing': 'sudo systemd-run --unit=lab-failing -r sh -c "exit 3"',
    'systemctl-show-failed':
      'sleep 1; systemctl show lab-failing -p LoadState,ActiveState,SubState,Result,ExecMainStatus,ExecMainCode',
    'systemd-run-clash-failed': 'sudo systemd-run --unit=lab-failing -r true',
    'sudo-password-wanted': 'sudo -u nobody sudo -n true',
    'curl-head-release': 'curl -sI {repository}/core:/stable:/v1.36/deb/Release',
    'curl-head-release-followed': 'curl -sIL {repository}/core:/stable:/v1.37/deb/Release',
    'curl-head-unknown-minor': 'curl -sI {repository}/core:/stable:/v1.38/deb/Release',
    'curl-packages-not-followed': 'curl -s {repository}/core:/stable:/v1.37/deb/Packages',
    'curl-packages': 'curl -sL {repository}/core:/stable:/v1.37/deb/Packages',
    'gpg-release-key': 'curl -sL {repository}/core:/stable:/v1.36/deb/Release.key | gpg --show-keys --with-colons',
  }),
  {
    version: '1.36.3',
    name: 'apt-get-update-lock-held',
    node: 'cp1',
    command: 'sudo apt-get update',
    before: holdLock('/var/lib/apt/lists/lock'),
    after: releaseLock,
  },
  {
    version: '1.36.3',
    name: 'apt-get-install-lock-held',
    node: 'cp1',
    command: `${apt} install kubeadm=1.36.3-1.1`,
    before: holdLock('/var/lib/dpkg/lock-frontend'),
    after: releaseLock,
  },
  {
    version: '1.36.3',
    name: 'apt-get-install-lock-held-timeout',
    node: 'cp1',
    command: `${apt} -o DPkg::Lock::Timeout=3 install kubeadm=1.36.3-1.1`,
    before: holdLock('/var/lib/dpkg/lock-frontend'),
    after: releaseLock,
  },
  {
    version: '1.36.3',
    name: 'apt-get-install-dpkg-interrupted',
    node: 'cp1',
    command: `${apt} install kubeadm=1.36.3-1.1`,
    before: 'sudo touch /var/lib/dpkg/updates/0000',
    after: 'sudo rm /var/lib/dpkg/updates/0000',
  },
  {
    version: '1.36.3',
    name: 'apt-get-update-key-unknown',
    node: 'cp1',
    command: 'sudo apt-get update',
    lab: ['repository', 'sign', 'wrong'],
    labAfter: ['repository', 'sign', 'good'],
  },
  {
    version: '1.36.3',
    name: 'apt-get-update-key-expired',
    node: 'cp1',
    command: 'sudo apt-get update',
    // Beside the good key, as it is when upstream's own key grows too old.
    before:
      'sudo cp /etc/apt/keyrings/kubernetes-apt-keyring.gpg /root/k; curl -sL {repository}/core:/stable:/v1.36/deb/Release.key | gpg --dearmor | sudo tee -a /etc/apt/keyrings/kubernetes-apt-keyring.gpg > /dev/null',
    after: 'sudo cp /root/k /etc/apt/keyrings/kubernetes-apt-keyring.gpg',
    lab: ['repository', 'sign', 'expired'],
    labAfter: ['repository', 'sign', 'good'],
  },
  {
    version: '1.36.3',
    name: 'apt-get-update-forbidden',
    node: 'cp1',
    command: 'sudo apt-get update',
    before: "sudo sed -i.saved 's/v1.36/v1.38/' /etc/apt/sources.list.d/kubernetes.list",
    after:
      'sudo mv /etc/apt/sources.list.d/kubernetes.list.saved /etc/apt/sources.list.d/kubernetes.list; sudo apt-get -q update',
  },
  ...steps('1.36.4', 'cp1', {
    'apt-get-install-kubeadm': install('1.36.4'),
    'apt-get-install-downgrade': 'sudo apt-mark -q unhold kubeadm; sudo apt-get -q -y install kubeadm=1.36.3-1.1',
    'apt-get-install-downgrade-held': 'sudo apt-mark -q hold kubeadm; sudo apt-get -q -y install kubeadm=1.36.3-1.1',
    'kubeadm-version': 'kubeadm version -o short',
    'kubeadm-upgrade-plan': 'sudo kubeadm upgrade plan v1.36.4 --ignore-preflight-errors=SystemVerification',
    'kubeadm-upgrade-plan-json':
      'sudo kubeadm upgrade plan v1.36.4 -o json --ignore-preflight-errors=SystemVerification',
    'kubeadm-upgrade-diff': 'sudo kubeadm upgrade diff v1.36.4',
    'kubeadm-config-images-list': 'kubeadm config images list --kubernetes-version v1.36.4',
    'kubeadm-upgrade-apply-too-high': `${apply} v1.37.1`,
    'kubeadm-upgrade-apply-two-minors': `${apply} v1.38.0`,
    'kubeadm-upgrade-apply-too-low': `${apply} v1.34.1`,
    'kubeadm-upgrade-apply-newer-patch': `${apply} v1.36.9`,
    'kubeadm-upgrade-apply-not-a-version': `${apply} latest-ish`,
    'kubeadm-upgrade-apply-no-version': apply,
    'kubeadm-upgrade-apply-system-verification': 'sudo kubeadm upgrade apply -y v1.36.4',
  }),
  {
    version: '1.36.4',
    name: 'kubeadm-config-images-pull-missing',
    node: 'cp1',
    command: 'sudo kubeadm config images pull --kubernetes-version v1.36.4',
    lab: ['image', 'remove', 'registry.k8s.io/kube-scheduler:v1.36.4'],
  },
  {
    version: '1.36.4',
    name: 'kubeadm-upgrade-apply-image-missing',
    node: 'cp1',
    command: `${apply} v1.36.4`,
    labAfter: ['publish', '1.36.4'],
  },
  ...steps('1.36.4', 'cp1', {
    'kubeadm-config-images-pull': 'sudo kubeadm config images pull --kubernetes-version v1.36.4',
    'kubeadm-upgrade-apply': `${apply} v1.36.4`,
    'kubeadm-upgrade-apply-again': `${apply} v1.36.4`,
    'kubeadm-upgrade-plan-upgraded': 'sudo kubeadm upgrade plan v1.36.4 --ignore-preflight-errors=SystemVerification',
    'kubeadm-upgrade-plan-upgraded-json':
      'sudo kubeadm upgrade plan v1.36.4 -o json --ignore-preflight-errors=SystemVerification',
    'apt-get-install-kubelet-kubectl': install('1.36.4', 'kubelet kubectl'),
    'kubelet-restart': 'sudo systemctl daemon-reload && sudo systemctl restart kubelet && systemctl is-active kubelet',
    'kubeadm-backups': 'sudo ls /etc/kubernetes/tmp',
  }),
  ...steps('1.36.4', 'cp2', {
    'second-control-plane-apt-get-install-kubeadm': install('1.36.4'),
    'second-control-plane-kubeadm-upgrade-plan':
      'sudo kubeadm upgrade plan v1.36.4 --ignore-preflight-errors=SystemVerification',
    'second-control-plane-kubeadm-upgrade-node': upgradeNode,
    'second-control-plane-kubeadm-upgrade-node-again': upgradeNode,
  }),
  ...steps('1.36.4', 'w1', {
    'worker-apt-get-install-kubeadm': install('1.36.4'),
    'worker-kubeadm-upgrade-node': upgradeNode,
    'worker-kubeadm-upgrade-node-again': upgradeNode,
    'worker-kubeadm-upgrade-plan': 'sudo kubeadm upgrade plan v1.36.4',
    'worker-apt-get-install-kubelet-kubectl': install('1.36.4', 'kubelet kubectl'),
  }),
];

function source(minor: string): string {
  return `sudo sed -i 's#/v1[.][0-9]*/#/v${minor}/#' /etc/apt/sources.list.d/kubernetes.list && sudo apt-get -q update`;
}

/** A cluster of 1.35.8 with two control planes and a worker goes to 1.36.4, and its control plane on to 1.37.1. */
export const minorSteps: RecordStep[] = [
  ...steps('1.35.8', 'cp1', {
    'kubeadm-version': 'kubeadm version -o short',
    'kubeadm-upgrade-plan-next-minor': 'sudo kubeadm upgrade plan v1.36.4 --ignore-preflight-errors=SystemVerification',
    'kubeadm-upgrade-plan-nothing-newer':
      'sudo kubeadm upgrade plan v1.35.8 --ignore-preflight-errors=SystemVerification',
    'kubeadm-upgrade-plan-nothing-newer-json':
      'sudo kubeadm upgrade plan v1.35.8 -o json --ignore-preflight-errors=SystemVerification',
    'kubeadm-upgrade-diff-next-minor': 'sudo kubeadm upgrade diff v1.36.4',
    'kubeadm-config-images-list': 'kubeadm config images list --kubernetes-version v1.35.8',
    'kubeadm-upgrade-apply-next-minor-old-kubeadm': `${apply} v1.36.4`,
    'apt-source-next-minor': source('1.36'),
    'apt-cache-madison-next-minor': 'apt-cache madison kubeadm',
  }),
  ...steps('1.37.1', 'cp1', {
    'two-minors-apt-source': source('1.37'),
    'two-minors-apt-get-install-kubeadm': install('1.37.1'),
    'two-minors-kubeadm-upgrade-plan': 'sudo kubeadm upgrade plan v1.37.1 --ignore-preflight-errors=SystemVerification',
    'two-minors-kubeadm-upgrade-apply': `${apply} v1.37.1`,
  }),
  ...steps('1.36.4', 'cp1', {
    'minor-apt-source': source('1.36'),
    'minor-apt-get-install-kubeadm': `sudo apt-mark -q unhold kubeadm && ${apt} --allow-downgrades install 'kubeadm=1.36.4-*' && sudo apt-mark -q hold kubeadm`,
    'minor-kubeadm-upgrade-plan': 'sudo kubeadm upgrade plan v1.36.4 --ignore-preflight-errors=SystemVerification',
    'minor-kubeadm-upgrade-plan-json':
      'sudo kubeadm upgrade plan v1.36.4 -o json --ignore-preflight-errors=SystemVerification',
    'minor-kubeadm-upgrade-diff': 'sudo kubeadm upgrade diff v1.36.4',
    'minor-kubeadm-upgrade-apply': `${apply} v1.36.4`,
    'minor-apt-get-install-kubelet-kubectl': `${install('1.36.4', 'kubelet kubectl')} && sudo systemctl daemon-reload && sudo systemctl restart kubelet`,
  }),
  ...['cp2', 'w1'].flatMap((node) =>
    steps('1.36.4', node, {
      [`minor-${node}-apt-get-install-kubeadm`]: `${source('1.36')} && ${install('1.36.4')}`,
      [`minor-${node}-kubeadm-upgrade-node`]: upgradeNode,
      [`minor-${node}-apt-get-install-kubelet-kubectl`]: `${install('1.36.4', 'kubelet kubectl')} && sudo systemctl daemon-reload && sudo systemctl restart kubelet`,
    }),
  ),
  ...steps('1.37.1', 'cp1', {
    'minor-apt-get-install-kubeadm': `${source('1.37')} && ${install('1.37.1')}`,
    'minor-kubeadm-upgrade-plan': 'sudo kubeadm upgrade plan v1.37.1 --ignore-preflight-errors=SystemVerification',
    'minor-kubeadm-upgrade-apply': `${apply} v1.37.1`,
    'minor-apt-get-install-kubelet-kubectl': install('1.37.1', 'kubelet kubectl'),
    'kubelet-version': 'kubelet --version',
  }),
];
