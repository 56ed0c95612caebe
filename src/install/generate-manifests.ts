import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { packBundle } from './bundle.ts';
import { bundleFile, deployFiles } from './deploy-files.ts';
import { readInstallTemplates } from './install-templates.ts';

/**
 * node src/install/generate-manifests.ts            writes deploy/ and terraform/settings-keys.json anew
 * node src/install/generate-manifests.ts --bundle   also deploy/no-image/program.yaml from dist/nightlift.cjs
 */
const root = join(import.meta.dirname, '../..');
const { values } = parseArgs({ options: { bundle: { type: 'boolean', default: false } } });
const templates = readInstallTemplates(join(root, 'templates'));

function write(path: string, text: string | Buffer): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  process.stdout.write(`${path}\n`);
}

for (const [path, text] of deployFiles(templates, readFileSync(join(root, 'deploy/base/config.yaml'), 'utf8')))
  write(path, text);
if (values.bundle) {
  const bundle = packBundle(readFileSync(join(root, 'dist/nightlift.cjs')));
  write('deploy/no-image/program.yaml', bundleFile(templates, bundle));
  write('dist/nightlift.cjs.gz', bundle.gzip);
}
