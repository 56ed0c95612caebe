import type { LabNode } from '../lab/lab-spec.ts';
import { mustOnNode } from '../lab/nodes.ts';
import type { Scene } from './scene.ts';

/**
 * All packages but ours, all holds, and every file below /etc, the keyrings and the homes. Of a source file what is not our
 * own entry; kubeadm's own files, and keyrings that are for Kubernetes alone, may change.
 */
const look = `dpkg-query -W -f '\${Package} \${Version} \${db:Status-Abbrev}\\n' | grep -vE '^(kubeadm|kubelet|kubectl) '
apt-mark showhold | sed 's/^/hold /'
find /etc /usr/share/keyrings /home /root -xdev -type f -not -path '/etc/kubernetes/*' -not -path '/etc/apt/sources.list.d/*' \\
  -not -path /etc/apt/keyrings/nightlift-kubernetes.gpg -not -path /etc/apt/keyrings/kubernetes.asc -exec sha256sum {} + | sort -k 2
if [ -d /etc/kubernetes/patches ]; then sha256sum /etc/kubernetes/patches/*; fi
for file in /etc/apt/sources.list.d/*; do
  case "$file" in *.sources) awk -v RS= -v ORS='\\n\\n' '!/core:\\/stable:/' "$file" ;; *) grep -v core:/stable: "$file" || true ;; esac
done`;

async function foreignThings(node: LabNode): Promise<string> {
  return `${node.name}\n${await mustOnNode(node, look)}`;
}

/** Of every node, to be compared with what they were. */
export async function allForeignThings({ lab }: Scene): Promise<readonly string[]> {
  return Promise.all(lab.nodes.map(foreignThings));
}
