import { stringify } from 'yaml';
import { z } from 'zod';
import type { Extra } from '../cluster/permissions.ts';
import { parseSettings } from '../settings/parse-settings.ts';
import { Settings } from '../settings/settings.ts';
import { admissionPolicy } from './admission-policy.ts';
import { BUNDLE_CONFIG_MAP, type Bundle } from './bundle.ts';
import type { InstallObject } from './install-object.ts';
import { installObjects } from './install-objects.ts';
import type { InstallTemplates } from './install-templates.ts';

/** Generated files by path from the project's folder. */
export type DeployFiles = ReadonlyMap<string, string>;

const HEADER = `# Generated from src/install and templates/ by: node src/install/generate-manifests.ts
# A change made here is lost at the next run; a test compares.
`;

/** deploy/base by file. ConfigMap k8s-upgrade-config is not here: kustomize makes it of config.yaml. */
const BASE: readonly (readonly [file: string, of: (object: InstallObject) => boolean])[] = [
  ['namespace', ({ kind }) => kind === 'Namespace'],
  ['service-accounts', ({ kind }) => kind === 'ServiceAccount'],
  ['rbac', ({ apiVersion }) => apiVersion.startsWith('rbac.')],
  ['network-policies', ({ kind }) => kind === 'NetworkPolicy'],
  ['scripts', ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'k8s-upgrade-scripts'],
  ['job-template', ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'k8s-upgrade-job-template'],
  ['cron-jobs', ({ kind }) => kind === 'CronJob'],
];

/** What deploy/no-image replaces; the program itself is made by a build. */
const NO_IMAGE = ['job-template', 'cron-jobs'];

/** All that is committed. `config`: text of deploy/base/config.yaml. */
export function deployFiles(templates: InstallTemplates, config: string): DeployFiles {
  const withImage = installObjects({ templates, config });
  const withoutImage = installObjects({ templates, config, bundle: { gzip: Buffer.alloc(0) } });
  return new Map([
    ...BASE.map(([file, of]) => [`deploy/base/${file}.yaml`, toYaml(withImage.filter(of))] as const),
    ...BASE.filter(([file]) => NO_IMAGE.includes(file)).map(
      ([file, of]) => [`deploy/no-image/${file}.yaml`, toYaml(withoutImage.filter(of))] as const,
    ),
    ['deploy/policy/policy.yaml', toYaml(admissionPolicy(parseSettings(config, 'deploy/base/config.yaml').namespace))],
    ...Object.entries(NEEDING).map(
      ([extra, settings]) => [`deploy/${extra}/rbac.yaml`, toYaml(extraObjects(templates, extra, settings))] as const,
    ),
    ['terraform/settings-keys.json', `${JSON.stringify(settingsKeys(), undefined, 2)}\n`],
  ]);
}

/** For each extra, settings that need it; of kured, where it is by default. */
const NEEDING: Readonly<Record<Extra, string>> = {
  kured: 'kured: { takeLock: true }\n',
  'delete-pods': 'drain: { policies: [{ namespace: default, action: delete-after }] }\n',
  'patch-workloads': 'quiesce: [{ namespace: default, name: example }]\n',
  'smoke-claims': 'smoke: { storageClasses: [example] }\n',
};

/** What only a setting needs, as a component of its own. */
function extraObjects(templates: InstallTemplates, extra: string, config: string): readonly InstallObject[] {
  return installObjects({ templates, config }).filter(({ metadata }) => metadata.name.endsWith(`-${extra}`));
}

/** The ConfigMap with the program, for deploy/no-image. */
export function bundleFile(templates: InstallTemplates, bundle: Bundle): string {
  return toYaml(installObjects({ templates, bundle }).filter(({ metadata }) => metadata.name === BUNDLE_CONFIG_MAP));
}

export function toYaml(objects: readonly InstallObject[]): string {
  const texts = objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }));
  return HEADER + texts.join('---\n');
}

/** Names of the settings, groups with a dot, so that Terraform can refuse a misspelt one at plan time. */
function settingsKeys(): readonly string[] {
  const group = z.object({ properties: z.record(z.string(), z.unknown()).optional() });
  const top = group.parse(z.toJSONSchema(Settings, { io: 'input' })).properties ?? {};
  return Object.entries(top).flatMap(([key, schema]) => {
    const inner = Object.keys(group.safeParse(schema).data?.properties ?? {});
    return [key, ...inner.map((name) => `${key}.${name}`)];
  });
}
