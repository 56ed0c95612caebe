import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingFromLock, PackageLock } from './package-lock.ts';
import { ROOT } from './run-command.ts';

/**
 * Run it after `npm install`: node test/mend-lock.ts. Adds the optional packages (programs for other platforms) that the
 * lock names and does not hold, because the registry that it was written with does not serve them: without them `npm
 * ci` refuses the lock. npm takes platform and version from these entries, and leaves out what is not for the host.
 */
const file = join(ROOT, 'package-lock.json');
const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const PROCESSORS = ['x64', 'arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x'];
// Parsed for its shape only: zod would change the order of the keys.
const lock = JSON.parse(readFileSync(file, 'utf8')) as PackageLock;
PackageLock.parse(lock);
const added: Record<string, object> = {};
for (const { parent, name } of missingFromLock(lock)) {
  const parts = name.split(/[/-]/);
  const os = parts.find((part) => SYSTEMS.includes(part));
  const cpu = parts.find((part) => PROCESSORS.includes(part));
  added[`node_modules/${name}`] = {
    version: lock.packages[parent]?.optionalDependencies?.[name],
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    dev: true,
    optional: true,
    ...(parts.includes('musl') ? { libc: ['musl'] } : {}),
    ...(os === undefined ? {} : { os: [os] }),
  };
  console.log(`added ${name}`);
}
const packages = Object.fromEntries(
  Object.entries({ ...lock.packages, ...added }).toSorted(([a], [b]) => (a < b ? -1 : 1)),
);
writeFileSync(file, `${JSON.stringify({ ...lock, packages }, null, 2)}\n`);
