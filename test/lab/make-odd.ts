import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { publishedPackages, publishNeedingCriTools } from './apt-repository.ts';
import { moveImages } from './image-store.ts';
import { type LabSpec, minorOf } from './lab-spec.ts';
import type { Lab } from './lab-state.ts';
import { mustOnNode } from './nodes.ts';
import { dnsRepository, oddNodes, odds, patchesDirectory } from './odd.ts';
import { signingKey } from './signing-key.ts';

/** What is on a node before kubeadm makes it one of a cluster. */
export async function prepareOdd(root: string, spec: LabSpec): Promise<void> {
  if (spec.odd.includes('shared-keyring'))
    await copyFile((await signingKey('wrong')).binary, path.join(root, 'usr/share/keyrings/another-maker.gpg'));
  if (!spec.odd.includes('patches')) return;
  const directory = path.join(root, patchesDirectory);
  await mkdir(directory, { recursive: true });
  await writeFile(path.join(directory, 'kubeletconfiguration0+merge.yaml'), 'maxPods: 77\n');
  await writeFile(
    path.join(directory, 'kube-apiserver0+strategic.yaml'),
    'metadata:\n  labels:\n    example.com/patched: "yes"\n',
  );
}

/** The registry of the lab, before anything asks it. */
export async function prepareOddRegistry({ spec, registry }: Lab): Promise<void> {
  if (spec.odd.includes('dns-repository'))
    await moveImages(registry.tags, 'coredns/coredns', `${dnsRepository}/coredns`);
}

/** In the order of the table on each node, all nodes at once. */
export async function makeOdd(lab: Lab, log: (line: string) => void): Promise<void> {
  const { spec, nodes } = lab;
  if (spec.odd.includes('held-needed')) await publishNewerNeeds(lab);
  if (spec.odd.length > 0) log(`making the nodes odd: ${spec.odd.join(', ')}`);
  await Promise.all(
    nodes.map(async (node) => {
      for (const name of spec.odd) {
        const { make, on } = odds[name];
        if (make !== undefined && oddNodes(on, nodes).includes(node)) await mustOnNode(node, make(spec));
      }
    }),
  );
}

/** After the nodes were installed: they would have what is needed already. */
async function publishNewerNeeds({ spec, repository }: Lab): Promise<void> {
  for (const published of await publishedPackages(repository.dir, minorOf(spec.version))) {
    const [version = '', revision = ''] = published.split('-');
    if (version !== spec.version) await publishNeedingCriTools(repository.dir, version, revision);
  }
}
