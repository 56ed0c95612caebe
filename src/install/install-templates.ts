import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The texts that an operator may edit in the cluster. */
export interface InstallTemplates {
  /** templates/job.yaml */
  readonly job: string;
  /** templates/node: text by file name. */
  readonly scripts: Readonly<Record<string, string>>;
}

/** `folder`: templates/ of the project. */
export function readInstallTemplates(folder: string): InstallTemplates {
  const node = join(folder, 'node');
  const names = readdirSync(node)
    .filter((name) => name.endsWith('.sh'))
    .toSorted();
  return {
    job: readFileSync(join(folder, 'job.yaml'), 'utf8'),
    scripts: Object.fromEntries(names.map((name) => [name, readFileSync(join(node, name), 'utf8')])),
  };
}
