import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { deployFiles } from '../../src/install/deploy-files.ts';
import { readInstallTemplates } from '../../src/install/install-templates.ts';
import type { Lab } from '../lab/lab-state.ts';
import { backupCronJob } from './backup-cron-job.ts';
import { applyObjects, kubectl } from './kubectl.ts';
import { labSettings, type SettingChanges } from './lab-settings.ts';
import { provideProductImage, provideToolsImage } from './product-image.ts';
import { projectRoot } from './project-root.ts';
import { inNewDirectory } from './temporary-directory.ts';

/**
 * As deploy/README.md says: settings into base/config.yaml, the generator run once more, the image named in a kustomization,
 * `kubectl apply -k`, the Secret. A second install changes what has changed.
 */
export async function installProduct(lab: Lab, changes: SettingChanges = {}): Promise<void> {
  await provideToolsImage(lab);
  const image = await provideProductImage(lab);
  const [newName = '', newTag = ''] = image.split(/:(?=[^:]*$)/);
  await inNewDirectory('deploy', async (directory) => {
    const config = stringify(await labSettings(lab, changes));
    await cp(path.join(projectRoot, 'deploy'), path.join(directory, 'deploy'), { recursive: true });
    for (const [file, text] of deployFiles(readInstallTemplates(path.join(projectRoot, 'templates')), config)) {
      await mkdir(path.dirname(path.join(directory, file)), { recursive: true });
      await writeFile(path.join(directory, file), text);
    }
    await writeFile(path.join(directory, 'deploy/base/config.yaml'), config);
    const overlay = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: ['deploy'],
      images: [{ name: 'nightlift', newName, newTag }],
    };
    await writeFile(path.join(directory, 'kustomization.yaml'), stringify(overlay));
    await kubectl(lab, ['apply', '-k', directory]);
  });
  await applyObjects(lab, [await credentials(lab), backupCronJob]);
}

async function credentials(lab: Lab): Promise<object> {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'k8s-upgrade-creds', namespace: 'k8s-upgrade' },
    stringData: {
      ssh_key: await readFile(lab.ssh.key, 'utf8'),
      known_hosts: await readFile(lab.ssh.knownHosts, 'utf8'),
      slack_webhook: lab.services.slack,
    },
  };
}
