import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatedDocuments } from './documents.ts';

/** Writes the documents that follow from the code; with --check only compares them. */
async function main(check: boolean): Promise<number> {
  const root = join(import.meta.dirname, '../..');
  const stale = (await generatedDocuments(root)).filter(
    ({ path, text }) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text,
  );
  if (!check) for (const { path, text } of stale) writeFileSync(join(root, path), text);
  for (const { path } of stale)
    process.stdout.write(check ? `${path} is not what the code says: npm run generate\n` : `wrote ${path}\n`);
  return check && stale.length > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.includes('--check'));
