import { z } from 'zod';

/** package-lock.json as far as optional packages go; everything else is kept as it is. */
export const PackageLock = z.looseObject({
  packages: z.record(z.string(), z.looseObject({ optionalDependencies: z.record(z.string(), z.string()).optional() })),
});

export type PackageLock = z.infer<typeof PackageLock>;

/** Optional packages that a package of the lock names and the lock does not hold: `npm ci` calls that out of sync. */
export function missingFromLock({
  packages,
}: PackageLock): readonly { readonly parent: string; readonly name: string }[] {
  return Object.entries(packages).flatMap(([parent, { optionalDependencies }]) =>
    Object.keys(optionalDependencies ?? {})
      .filter((name) => !foldersAbove(parent).some((folder) => packages[`${folder}node_modules/${name}`] !== undefined))
      .map((name) => ({ parent, name })),
  );
}

/** The folders in which Node would look for a package, from the inside out: 'a/', ''. */
function foldersAbove(path: string): readonly string[] {
  const folders = path === '' ? [] : [`${path}/`];
  for (let at = path.lastIndexOf('/node_modules/'); at >= 0; at = path.lastIndexOf('/node_modules/', at - 1))
    folders.push(`${path.slice(0, at)}/`);
  return [...folders, ''];
}
