import { mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { STOCK_IMAGE } from '../../src/install/bundle.ts';
import { addImage } from '../lab/directory-image.ts';
import { tagImage } from '../lab/image-store.ts';
import { cacheDir } from '../lab/lab-paths.ts';
import type { Lab } from '../lab/lab-state.ts';
import { availableVersions, unpackTo } from '../lab/programs.ts';
import { readRunSettings } from './run-settings.ts';
import { inNewDirectory } from './temporary-directory.ts';

/** A Debian with a shell and etcd's tools: for the backup, and for what merely has to run. */
export const toolsImage = 'registry.example/tools:1';

/** What the Dockerfile makes, in the registry of this lab. */
export async function provideProductImage(lab: Lab): Promise<string> {
  const { reference, digest } = readRunSettings().images.product;
  await tagImage(lab.registry.tags, reference, digest);
  return reference;
}

/** The stock image of Node, under the name that the manifests have. */
export async function provideStockImage(lab: Lab): Promise<void> {
  await tagImage(lab.registry.tags, `docker.io/library/${STOCK_IMAGE}`, readRunSettings().images.stock);
}

export async function provideToolsImage(lab: Lab): Promise<void> {
  await mkdir(cacheDir(), { recursive: true });
  await inNewDirectory('tools', async (directory) => {
    const bin = path.join(directory, 'usr/local/bin');
    await mkdir(bin, { recursive: true });
    await unpackTo(`etcd-${availableVersions('etcd').at(-1) ?? ''}.zst`, path.join(bin, 'etcd'));
    for (const name of ['etcdctl', 'etcdutl']) await symlink('etcd', path.join(bin, name));
    await addImage(lab.registry.tags, toolsImage, directory, { base: true, command: [] });
  });
}
