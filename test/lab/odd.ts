import { hostPort } from '../../src/host-port.ts';
import { families } from './address-families.ts';
import { type LabNode, type LabSpec, network } from './lab-spec.ts';

/** A node as other people have it: small shell snippets, run as root on the node once the cluster stands. */
export interface Odd {
  /** For `up --help`. */
  readonly what: string;
  readonly on: OddNodes;
  make?(spec: LabSpec): string;
}

export type OddNodes =
  | 'all nodes'
  | 'first control plane'
  | 'control planes'
  | 'workers'
  | 'first worker'
  | 'last worker';

export const proxyPort = 3128;
export const repositoryPort = 8080;
export const patchesDirectory = '/etc/kubernetes/patches';
export const etcdElsewhere = '/srv/etcd';
export const dnsRepository = 'registry.example/dns';

/** Path of a keyring in the source files, whatever it is now. */
const KEYRING = '/[^] ]*keyrings/[a-z-]*[.]gpg';
const SOURCES = '/etc/apt/sources.list.d';

/** deb NAME VERSION CONTROL [POSTINST]: makes /root/NAME.deb. */
const deb = `deb() {
  rm -rf /root/build && mkdir -p /root/build/DEBIAN
  printf 'Package: %s\\nVersion: %s\\nArchitecture: amd64\\nMaintainer: Vendor <vendor@example.com>\\n%sDescription: of another maker\\n' "$1" "$2" "$3" >/root/build/DEBIAN/control
  if [ -n "\${4:-}" ]; then printf '#!/bin/sh\\n%s\\n' "$4" >/root/build/DEBIAN/postinst; chmod 755 /root/build/DEBIAN/postinst; fi
  dpkg-deb --root-owner-group --build /root/build "/root/$1.deb"
}
`;

/**
 * A second manifest of etcd is taken for the first one: the kubelet ends etcd and starts it anew, and the API server is
 * away for a minute. So it is when that file goes again.
 */
export const apiSettled = `sleep 20
for _ in $(seq 200); do
  if [ "$(curl -sk --max-time 2 https://127.0.0.1:6443/readyz)" = ok ]; then good=$((\${good:-0} + 1)); else good=0; fi
  if [ "$good" -ge 15 ]; then break; fi
  sleep 1
done`;

/** In this order: a later one changes what an earlier one has written. */
const table = {
  deb822: {
    what: 'one .sources file with several stanzas, the distribution first, one of them switched off',
    on: 'all nodes',
    make: () => `cd ${SOURCES}
cp /etc/apt/keyrings/kubernetes-apt-keyring.gpg /usr/share/keyrings/distribution.gpg
stanza() { printf 'Types: deb\\nURIs: %s\\nSuites: /\\nSigned-By: %s\\n' "$(awk '{ print $3 }' "$1")" "$2"; }
{
  stanza debian.list /usr/share/keyrings/distribution.gpg
  printf '\\n# Programs of a vendor\\nTypes: deb\\nURIs: https://packages.example.com/apt\\nSuites: stable\\nComponents: main\\nEnabled: no\\nSigned-By: /usr/share/keyrings/distribution.gpg\\n\\n'
  stanza kubernetes.list /etc/apt/keyrings/kubernetes-apt-keyring.gpg
} >all.sources
rm debian.list kubernetes.list`,
  },
  'shared-keyring': {
    what: 'one keyring with the keys of several makers, for every source',
    on: 'control planes',
    make: () => `cat /usr/share/keyrings/another-maker.gpg /etc/apt/keyrings/kubernetes-apt-keyring.gpg >/usr/share/keyrings/third-party.gpg
sed -i 's#${KEYRING}#/usr/share/keyrings/third-party.gpg#' ${SOURCES}/*`,
  },
  'asc-key': {
    what: 'the key of the Kubernetes source as text (.asc)',
    on: 'workers',
    make: () => `export GNUPGHOME="$(mktemp -d)"
gpg --batch --quiet --no-autostart --import /etc/apt/keyrings/kubernetes-apt-keyring.gpg
gpg --batch --no-autostart --armor --comment 'as it was fetched' --export >/etc/apt/keyrings/kubernetes.asc
rm -rf "$GNUPGHOME"
sed -i 's#/etc/apt/keyrings/kubernetes-apt-keyring.gpg#/etc/apt/keyrings/kubernetes.asc#' $(grep -l core:/stable: ${SOURCES}/*)`,
  },
  'proxy-only': {
    what: 'package repositories are reached through a proxy that apt alone is told of',
    on: 'all nodes',
    make: (
      spec,
    ) => `echo 'Acquire::http::Proxy "http://${hostPort(network(spec).gateway, proxyPort)}";' >/etc/apt/apt.conf.d/80proxy
${families[spec.families[0] ?? 'ipv4'].iptables} -I OUTPUT -d ${network(spec).gateway},${network(spec).mirror} -p tcp --dport ${repositoryPort} -j REJECT --reject-with tcp-reset`,
  },
  'two-sockets': {
    what: 'a second CRI socket, which takes connections and ends them',
    on: 'all nodes',
    make: () => `mkdir -p /run/crio
systemd-run -q --unit=second-socket socat UNIX-LISTEN:/run/crio/crio.sock,fork EXEC:true`,
  },
  'held-cri-tools': {
    what: 'cri-tools are on hold, and nothing needs newer ones',
    on: 'all nodes',
    make: () => 'apt-mark hold cri-tools',
  },
  'greeting-shell': {
    what: 'the login shell prints a greeting',
    on: 'all nodes',
    make: () => `sed -i '1i echo "Welcome to $(hostname). Authorised use only."' /home/nightlift/.bashrc`,
  },
  'kubelet-drop-in': {
    what: 'flags of the kubelet in a drop-in, and in a file that it reads',
    on: 'all nodes',
    make: () => `echo 'KUBELET_VENDOR_ARGS="--v 1"' >/etc/kubelet-vendor.env
mkdir -p /etc/systemd/system/kubelet.service.d
cat >/etc/systemd/system/kubelet.service.d/20-vendor.conf <<'END'
[Service]
EnvironmentFile=/etc/kubelet-vendor.env
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS $KUBELET_VENDOR_ARGS --max-open-files=8192
END
systemctl daemon-reload && systemctl restart kubelet`,
  },
  patches: {
    what: `kubeadm patches in ${patchesDirectory}: maxPods 77, and a label on the API server's pod`,
    on: 'all nodes',
  },
  'dns-repository': {
    what: `CoreDNS is in ${dnsRepository}, and nowhere else`,
    on: 'all nodes',
  },
  'etcd-elsewhere': {
    what: `the data of etcd is in ${etcdElsewhere}`,
    on: 'control planes',
  },
  'held-needed': {
    what: 'cri-tools are on hold, and every newer kubeadm needs newer ones',
    on: 'first worker',
    make: () => 'apt-mark hold cri-tools',
  },
  'half-configured': {
    what: 'a package of another maker is half configured',
    on: 'first worker',
    make: () => `${deb}deb vendor-agent 1.0 '' 'test -e /etc/vendor-agent.conf || { echo "vendor-agent: /etc/vendor-agent.conf is missing" >&2; exit 1; }'
dpkg -i /root/vendor-agent.deb || true`,
  },
  'breaks-kubelet': {
    what: 'a package of another maker that breaks with any newer kubelet',
    on: 'last worker',
    make: () => `${deb}deb vendor-driver 1.0 "Breaks: kubelet (>> $(dpkg-query -W -f '\${Version}' kubelet))
"
dpkg -i /root/vendor-driver.deb`,
  },
  'removed-flag': {
    what: 'a drop-in has a flag with which no kubelet from 1.35 on starts; it is not in use yet',
    on: 'first worker',
    make: () => `mkdir -p /etc/systemd/system/kubelet.service.d
cat >/etc/systemd/system/kubelet.service.d/30-sandbox.conf <<'END'
[Service]
Environment="KUBELET_SANDBOX_ARGS=--pod-infra-container-image=registry.k8s.io/pause:3.9"
END`,
  },
  'manifest-backup': {
    what: 'a copy of a manifest beside the manifests (etcd.yaml.backup)',
    on: 'first control plane',
    make: () => `cp -p /etc/kubernetes/manifests/etcd.yaml /etc/kubernetes/manifests/etcd.yaml.backup\n${apiSettled}`,
  },
  'full-disk': {
    what: 'the file system of /var/lib/nightlift has 67 MB left',
    on: 'first worker',
    make: () => `mkdir -p /var/lib/nightlift && mount -t tmpfs -o size=128m,mode=755 tmpfs /var/lib/nightlift
dd if=/dev/zero of=/var/lib/nightlift/filler bs=1M count=64 status=none`,
  },
  unreachable: {
    what: 'sshd does not run',
    on: 'last worker',
    make: () => 'systemctl disable -q --now ssh',
  },
} satisfies Record<string, Odd>;

export type OddName = keyof typeof table;
export const odds: Readonly<Record<OddName, Odd>> = table;

export function oddNodes(on: OddNodes, nodes: readonly LabNode[]): readonly LabNode[] {
  const [controlPlanes, workers] = (['control-plane', 'worker'] as const).map((role) =>
    nodes.filter((node) => node.role === role),
  ) as [LabNode[], LabNode[]];
  switch (on) {
    case 'all nodes':
      return nodes;
    case 'control planes':
      return controlPlanes;
    case 'workers':
      return workers;
    case 'first control plane':
      return controlPlanes.slice(0, 1);
    case 'first worker':
      return workers.slice(0, 1);
    case 'last worker':
      return workers.slice(-1);
  }
}
