import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Templates } from '../deps.ts';
import type { Environment } from '../environment.ts';
import { NightliftError, reasonOf } from '../errors.ts';

/** The operator's copies in the pod (ConfigMaps), else the built-in ones. Read when they are rendered, so an edit counts from the next Job on. */
export function openTemplates(environment: Environment): Templates {
  return {
    job: () => readFirst([environment.path('/template/job-template.yaml'), join(environment.templatesDir, 'job.yaml')]),
    node: (name) =>
      readFirst([environment.path(`/scripts/${name}.sh`), join(environment.templatesDir, 'node', `${name}.sh`)]),
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
