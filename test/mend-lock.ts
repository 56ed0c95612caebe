import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingFromLock, PackageLock } from './package-lock.ts';
import { ROOT } from './run-command.ts';

/**
 * Run it after `npm install`: node test/mend-lock.ts. Takes out of the lock the optional packages (binaries for other
 * platforms) that it names and does not hold, because the registry that it was written with does not serve them: with
 * them in, `npm ci` refuses the lock. On those platforms the host's own tools are needed.
 */
const file = join(ROOT, 'package-lock.json');
// Parsed for its shape only: zod would change the order of the keys.
const lock = JSON.parse(readFileSync(file, 'utf8')) as PackageLock;
PackageLock.parse(lock);
for (const { parent, name } of missingFromLock(lock)) {
  const optional = lock.packages[parent]?.optionalDependencies;
  if (optional !== undefined) delete optional[name];
  console.log(`took ${name} out of ${parent}`);
}
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
