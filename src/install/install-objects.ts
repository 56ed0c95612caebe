import { namespacesOf } from '../cluster/permissions.ts';
import { parseSettingsFile } from '../settings/parse-settings.ts';
import { BUNDLE_CONFIG_MAP, BUNDLE_KEY, type Bundle, bundleJobTemplate, STOCK_IMAGE } from './bundle.ts';
import { cronJobs } from './cron-jobs.ts';
import { type InstallObject, OBJECT_LABELS } from './install-object.ts';
import type { InstallTemplates } from './install-templates.ts';
import { networkPolicies } from './network-policies.ts';
import { rbacObjects, serviceAccounts } from './rbac-objects.ts';

export interface InstallOptions {
  readonly templates: InstallTemplates;
  /** Text of the settings file; default: one that wants all defaults. */
  readonly config?: string;
  readonly image?: string;
  /** Installs without an image of ours: the stock image of Node runs this. */
  readonly bundle?: Bundle;
}

/** Without a registry: where the image stands is the user's to say. */
export const DEFAULT_IMAGE = 'nightlift:0.1.0';

/**
 * Every object of Nightlift in the order in which it can be applied: the one source of deploy/, of terraform/ and of
 * the embedded cluster. Not among them: Secret k8s-upgrade-creds, which the user brings.
 * @throws NightliftError (config) for settings that are wrong.
 */
export function installObjects(options: InstallOptions): readonly InstallObject[] {
  const { templates, config = '{}\n', bundle } = options;
  const settings = parseSettingsFile(config, 'the settings to install');
  const { namespace } = settings;
  const image = options.image ?? (bundle === undefined ? DEFAULT_IMAGE : STOCK_IMAGE);
  const configMap = (name: string, content: Readonly<Record<string, unknown>>): InstallObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels: OBJECT_LABELS },
    ...content,
  });
  const job = bundle === undefined ? templates.job : bundleJobTemplate(templates.job);
  return [
    namespaceObject(namespace),
    ...serviceAccounts(namespace),
    ...rbacObjects(namespacesOf(settings)),
    ...networkPolicies(settings),
    configMap('k8s-upgrade-config', { data: { 'config.yaml': config } }),
    configMap('k8s-upgrade-scripts', { data: templates.scripts }),
    configMap('k8s-upgrade-job-template', { data: { 'job-template.yaml': job } }),
    ...(bundle === undefined
      ? []
      : [configMap(BUNDLE_CONFIG_MAP, { binaryData: { [BUNDLE_KEY]: bundle.gzip.toString('base64') } })]),
    ...cronJobs({ namespace, image, bundle }),
  ];
}

function namespaceObject(name: string): InstallObject {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name,
      labels: {
        ...OBJECT_LABELS,
        'pod-security.kubernetes.io/enforce': 'restricted',
        // Pinned: the API server is upgraded in the middle of a run, and a stricter `latest` must not stop the next Job.
        'pod-security.kubernetes.io/enforce-version': 'v1.35',
      },
    },
  };
}
