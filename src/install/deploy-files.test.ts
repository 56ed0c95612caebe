import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { deployFiles } from './deploy-files.ts';
import { readInstallTemplates } from './install-templates.ts';

const ROOT = join(import.meta.dirname, '../..');

it('the committed manifests are what `node src/install/generate-manifests.ts` makes of templates/ and the permissions', () => {
  const config = readFileSync(join(ROOT, 'deploy/base/config.yaml'), 'utf8');
  const files = [...deployFiles(readInstallTemplates(join(ROOT, 'templates')), config)];
  const outdated = files
    .filter(([path, text]) => readFileSync(join(ROOT, path), 'utf8') !== text)
    .map(([path]) => path);
  expect(outdated).toEqual([]);
});

it('every variable of the Terraform module is described, has a type and stands in its README', () => {
  const variables = readFileSync(join(ROOT, 'terraform/variables.tf'), 'utf8')
    .split(/^variable /m)
    .slice(1);
  const readme = readFileSync(join(ROOT, 'terraform/README.md'), 'utf8');
  const lacking = variables.filter((text) => {
    const name = /^"(\w+)"/.exec(text)?.[1] ?? '';
    return !/^ {2}description = "./m.test(text) || !/^ {2}type +=/m.test(text) || !readme.includes(`| \`${name}\` |`);
  });
  expect(variables.length).toBeGreaterThan(10);
  expect(lacking).toEqual([]);
});
