import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import type { Lab } from '../lab/lab-state.ts';
import { mustRun } from '../lab/run-command.ts';
import { backupCronJob } from './backup-cron-job.ts';
import { applyObjects, kubectl } from './kubectl.ts';
import { labSettings, type SettingChanges } from './lab-settings.ts';
import { provideProductImage, provideStockImage, provideToolsImage } from './product-image.ts';
import { projectRoot } from './project-root.ts';
import { inNewDirectory } from './temporary-directory.ts';

/** The two ways of deploy/README.md. */
export type Install = 'image' | 'no-image';

/** In a copy of the project, as deploy/README.md says. A second install changes what has changed. */
export async function installProduct(
  lab: Lab,
  changes: SettingChanges = {},
  install: Install = 'image',
  access?: RestrictedAccess,
): Promise<void> {
  await provideToolsImage(lab);
  await inNewDirectory('deploy', async (project) => {
    await copyProject(project);
    const settings = path.join(project, 'deploy/base/config.yaml');
    await writeFile(settings, stringify(await labSettings(lab, changes)));
    if (access !== undefined) {
      await addPolicy(project);
      await access.prepareNodes(await nodeInstall(project, settings, access.publicKey));
    }
    await (install === 'image' ? installWithImage(lab, project) : installWithoutImage(lab, project));
  });
  await applyObjects(lab, [await credentials(lab, access?.privateKey ?? lab.ssh.key), backupCronJob]);
}

/** A key of its own, which may only upgrade; and the admission policy. */
export interface RestrictedAccess {
  /** Files. */
  readonly privateKey: string;
  readonly publicKey: string;
  /** Is given the script of `nightlift node install`. */
  readonly prepareNodes: (script: string) => Promise<void>;
}

async function nodeInstall(project: string, settings: string, publicKey: string): Promise<string> {
  const args = ['node', 'install', '--config', settings, '--public-key', publicKey];
  return await mustRun(process.execPath, [path.join(project, 'src/main.ts'), ...args]);
}

async function addPolicy(project: string): Promise<void> {
  const file = path.join(project, 'deploy/kustomization.yaml');
  const kustomization = parse(await readFile(file, 'utf8')) as object;
  await writeFile(file, stringify({ ...kustomization, components: ['policy'] }));
}

async function copyProject(into: string): Promise<void> {
  for (const name of [
    'bin',
    'build.mjs',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'src',
    'templates',
    'deploy',
  ])
    await cp(path.join(projectRoot, name), path.join(into, name), { recursive: true });
  await symlink(path.join(projectRoot, 'node_modules'), path.join(into, 'node_modules'));
}

async function installWithImage(lab: Lab, project: string): Promise<void> {
  const image = await provideProductImage(lab);
  const [newName = '', newTag = ''] = image.split(/:(?=[^:]*$)/);
  const file = path.join(project, 'deploy/kustomization.yaml');
  const kustomization = parse(await readFile(file, 'utf8')) as object;
  await writeFile(file, stringify({ ...kustomization, images: [{ name: 'nightlift', newName, newTag }] }));
  await node(project, ['src/install/generate-manifests.ts']);
  await kubectl(lab, ['apply', '-k', path.join(project, 'deploy')]);
}

async function installWithoutImage(lab: Lab, project: string): Promise<void> {
  await provideStockImage(lab);
  await node(project, ['build.mjs']);
  await node(project, ['src/install/generate-manifests.ts', '--bundle']);
  await kubectl(lab, ['apply', '--server-side', '-k', path.join(project, 'deploy/no-image')]);
}

async function node(cwd: string, args: string[]): Promise<void> {
  await mustRun(process.execPath, args, { cwd });
}

async function credentials(lab: Lab, key: string): Promise<object> {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'k8s-upgrade-creds', namespace: 'k8s-upgrade' },
    stringData: {
      ssh_key: await readFile(key, 'utf8'),
      known_hosts: await readFile(lab.ssh.knownHosts, 'utf8'),
      slack_webhook: lab.services.slack,
    },
  };
}
