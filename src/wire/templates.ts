import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Templates } from '../deps.ts';
import type { Environment } from '../environment.ts';
import { NightliftError, reasonOf } from '../errors.ts';
import type { Settings } from '../settings/settings.ts';

/** What this version brings, whatever stands in the cluster. */
export function builtInTemplates({ templatesDir }: Environment) {
  return {
    node: (name: string) => readFirst([join(templatesDir, 'node', `${name}.sh`)]),
    nodeProgram: (name: string) => readFirst([join(templatesDir, 'node-program', `${name}.sh`)]),
  };
}

/** The operator's copies in the pod (ConfigMaps), else the built-in ones. Read when they are rendered, so an edit counts from the next Job on. */
export function openTemplates(environment: Environment, { ssh }: Pick<Settings, 'ssh'>): Templates {
  const builtIn = (...path: readonly string[]): string => join(environment.templatesDir, ...path);
  return {
    job: () => readFirst([environment.path('/template/job-template.yaml'), builtIn('job.yaml')]),
    node(name) {
      const files = [environment.path(`/scripts/${name}.sh`), builtIn('node', `${name}.sh`)];
      // What may run there was reviewed on the nodes; an edit in the cluster would only be another release.
      return readFirst(ssh.access === 'upgrade-only' ? files.toReversed() : files);
    },
  };
}

function readFirst(files: readonly string[]): string {
  const file = files.find((candidate) => existsSync(candidate));
  if (file === undefined) {
    throw new NightliftError('config', `looking for a template: none of ${files.join(', ')} exists`, {
      remedy:
        'Mount the ConfigMaps k8s-upgrade-scripts and k8s-upgrade-job-template, or set NIGHTLIFT_TEMPLATES to the folder templates/.',
    });
  }
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new NightliftError('config', `reading the template ${file}: ${reasonOf(error)}`);
  }
}
