import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { STOCK_IMAGE } from '../../src/install/bundle.ts';
import { adoptLayout, writeLayout } from '../lab/image-store.ts';
import { cacheDir } from '../lab/lab-paths.ts';
import { mustRun } from '../lab/run-command.ts';
import { projectRoot } from './project-root.ts';
import { inNewDirectory } from './temporary-directory.ts';

const tag = 'localhost/nightlift:lab';
/** A directory that the stock image has anyway: nothing of a mount stays in the image. npm's global settings are there. */
const npmSettings = '/usr/local/etc';

export interface BuiltImage {
  readonly reference: string;
  readonly digest: string;
}

/** The Dockerfile as it is, built by podman on what stands in for its FROM, and tried as the pods will run it. */
export async function buildDockerfile(stock: string): Promise<BuiltImage> {
  return inNewDirectory('build', async (directory) => {
    await writeLayout(stock, path.join(directory, 'stock'));
    // A relative path: podman makes a name of it, in which not every character may be.
    const id = (await podman(['pull', '-q', 'oci:stock'], directory)).trim();
    await podman(['tag', id, `localhost/${STOCK_IMAGE}`]);
    const settings = await npmSettingsOfHost(path.join(directory, 'npm'));
    const mount = `--volume=${settings}:${npmSettings}:ro`;
    await podman([
      'build',
      '-q',
      '--pull=never',
      '--isolation=chroot',
      '--network=host',
      mount,
      '-t',
      tag,
      projectRoot,
    ]);
    await checkAsPodsRunIt();
    const layout = path.join(directory, 'built');
    await podman(['save', '-q', '--uncompressed', '--format=oci-dir', '-o', layout, tag]);
    const digest = await adoptLayout(layout);
    return { reference: `registry.example/nightlift:${digest.slice('sha256:'.length).slice(0, 12)}`, digest };
  });
}

/** In a store of the lab's own. */
async function podman(args: readonly string[], cwd = projectRoot): Promise<string> {
  const store = path.join(cacheDir(), 'podman');
  const own = ['root', 'runroot', 'tmpdir'].map((part) => `--${part}=${path.join(store, part)}`);
  return mustRun('podman', [...own, '--runtime=runc', '--cgroup-manager=cgroupfs', ...args], { cwd });
}

/** How this machine reaches its npm registry is nobody else's business: it is mounted for the build, and in no layer. */
async function npmSettingsOfHost(into: string): Promise<string> {
  await mkdir(into);
  const get = async (key: string): Promise<string> => {
    const value = (await mustRun('npm', ['config', 'get', key], { cwd: '/' })).trim();
    return value === 'null' || value === 'undefined' ? '' : value;
  };
  const lines: string[] = [];
  for (const key of ['globalconfig', 'userconfig']) lines.push(await readFile(await get(key), 'utf8').catch(() => ''));
  lines.push(`registry=${await get('registry')}`);
  const authorities = (await get('cafile')) || (process.env['NODE_EXTRA_CA_CERTS'] ?? '');
  if (authorities !== '') {
    await copyFile(authorities, path.join(into, 'ca.crt'));
    lines.push(`cafile=${npmSettings}/ca.crt`);
  }
  await writeFile(path.join(into, 'npmrc'), `${lines.join('\n')}\n`);
  return into;
}

/** As user 65532 on a root file system that cannot be written: it answers, and the image holds what it has to and no more. */
async function checkAsPodsRunIt(): Promise<void> {
  const limits = ['nofile', 'nproc'].map((name) => `--ulimit=${name}=8192:8192`);
  const run = ['run', '--rm', '--read-only', '--network=none', '--cgroupns=private', ...limits];
  const said = await podman([...run, tag, '--help']);
  if (!said.includes('Usage: nightlift')) throw new Error(`running the image of the Dockerfile: it said ${said}`);
  const look = `id -u; find /app ${npmSettings} -path /app/.compile-cache -prune -o -type f -print`;
  const shown = (await podman([...run, '--entrypoint=sh', tag, '-c', look])).trim().split('\n');
  const templates = await readdir(path.join(projectRoot, 'templates'), { recursive: true, withFileTypes: true });
  const wanted = templates
    .filter((entry) => entry.isFile())
    .map((entry) => path.join('/app', path.relative(projectRoot, entry.parentPath), entry.name));
  const missing = ['65532', '/app/nightlift.cjs', '/app/nightlift.cdx.json', ...wanted].filter(
    (line) => !shown.includes(line),
  );
  if (missing.length > 0 || shown.length !== wanted.length + 3)
    throw new Error(
      `looking into the image of the Dockerfile: without ${missing.join(', ')}, it has ${shown.join(', ')}`,
    );
}
