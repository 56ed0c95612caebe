import { createHash } from 'node:crypto';
import { z } from 'zod';
import { NightliftError } from '../errors.ts';

const LockedPackage = z.object({
  version: z.string().optional(),
  integrity: z.string().optional(),
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
});
const Lock = z.object({ packages: z.record(z.string(), LockedPackage) });

/** package.json of a package, as far as a bill of materials needs it. Old ones have `licenses`. */
const Manifest = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string().optional(),
  licenses: z.array(z.object({ type: z.string() })).optional(),
});
type Manifest = z.infer<typeof Manifest>;

export interface SbomOptions {
  /** The bundle. */
  readonly program: Buffer;
  /** Files that are in it, as esbuild's metafile names them. */
  readonly files: readonly string[];
  /** package-lock.json. */
  readonly lock: unknown;
  /** package.json in a folder: '' is our own, 'node_modules/zod' a package's. */
  readonly manifest: (folder: string) => unknown;
}

interface Component {
  readonly type: 'application' | 'library';
  readonly 'bom-ref': string;
  readonly name: string;
  readonly group?: string;
  readonly version: string;
  readonly hashes: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses: readonly object[];
  readonly purl: string;
}

export interface Sbom {
  readonly components: readonly Component[];
  readonly [field: string]: unknown;
}

/**
 * What the bundle is made of, as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/): the packages of which it holds a
 * byte, with the hashes of package-lock.json. The same bundle gives the same bytes: there is no time in it.
 * @throws NightliftError (config) for a package that is not the locked one, or of which nobody knows the licence.
 */
export function composeSbom({ program, files, lock, manifest }: SbomOptions): Sbom {
  const { packages } = Lock.parse(lock);
  const folders = [...new Set(files.flatMap((file) => packageFolder(file) ?? []))].toSorted();
  const components = new Map(
    folders.map((folder) => [folder, library(folder, packages[folder], readManifest(manifest, folder))]),
  );
  const own = readManifest(manifest, '');
  const sha256 = createHash('sha256').update(program).digest('hex');
  const application: Component = {
    type: 'application',
    ...naming(own),
    hashes: [{ alg: 'SHA-256', content: sha256 }],
    licenses: licensesOf(own),
  };
  const dependsOn = (folder: string): readonly string[] => {
    const { dependencies = {}, optionalDependencies = {} } = packages[folder] ?? {};
    const names = Object.keys({ ...dependencies, ...optionalDependencies });
    const found = names.flatMap((name) => {
      const at = foldersAbove(folder).find((above) => packages[`${above}node_modules/${name}`] !== undefined);
      return at === undefined ? [] : (components.get(`${at}node_modules/${name}`)?.['bom-ref'] ?? []);
    });
    return [...new Set(found)].toSorted();
  };
  // One version in two folders is one component.
  const dependencies = new Map([[application['bom-ref'], dependsOn('')]]);
  for (const [folder, { 'bom-ref': ref }] of components)
    dependencies.set(ref, [...new Set([...(dependencies.get(ref) ?? []), ...dependsOn(folder)])].toSorted());
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(sha256)}`,
    version: 1,
    metadata: { component: application },
    components: [...new Map([...components.values()].map((component) => [component['bom-ref'], component])).values()],
    dependencies: [...dependencies].map(([ref, refs]) => ({ ref, dependsOn: refs })),
  };
}

/** 'node_modules/a/node_modules/@b/c' of a file in it; undefined for one of ours. */
function packageFolder(file: string): string | undefined {
  const from = file.indexOf('node_modules/');
  if (from < 0) return undefined;
  return /^(?:node_modules\/(?:@[^/]+\/)?[^/]+\/)+?(?!.*node_modules\/)/.exec(file.slice(from))?.[0].slice(0, -1);
}

/** The folders in which Node would look for a package, from the inside out: 'node_modules/a/', ''. */
function foldersAbove(folder: string): readonly string[] {
  const parts = folder === '' ? [] : folder.split(/\/(?=node_modules\/)/);
  return parts.map((_, index) => `${parts.slice(0, parts.length - index).join('/')}/`).concat('');
}

function readManifest(manifest: SbomOptions['manifest'], folder: string): Manifest {
  const parsed = Manifest.safeParse(manifest(folder));
  if (parsed.success) return parsed.data;
  throw new NightliftError('config', `reading package.json of ${folder}: ${z.prettifyError(parsed.error)}`, {
    remedy: 'Install the packages anew: npm ci.',
  });
}

function library(folder: string, locked: z.infer<typeof LockedPackage> | undefined, found: Manifest): Component {
  const digest = /^sha512-(.+)$/.exec(locked?.integrity ?? '')?.[1];
  if (locked?.version !== found.version || digest === undefined) {
    const says =
      locked?.version === undefined
        ? 'does not have it'
        : `has ${locked.version}, ${locked.integrity ?? 'without a hash'}`;
    throw new NightliftError(
      'config',
      `writing the bill of materials: ${folder} is ${found.version}, and package-lock.json ${says}`,
      { remedy: 'Install what is locked: npm ci.' },
    );
  }
  const content = Buffer.from(digest, 'base64').toString('hex');
  return { type: 'library', ...naming(found), hashes: [{ alg: 'SHA-512', content }], licenses: licensesOf(found) };
}

/** https://github.com/package-url/purl-spec: a scope is the namespace, its @ encoded. */
function naming({ name, version }: Manifest): Pick<Component, 'bom-ref' | 'group' | 'name' | 'version' | 'purl'> {
  const [scope, bare] = name.startsWith('@') ? name.split('/') : [undefined, name];
  const purl = `pkg:npm/${name.replace('@', '%40')}@${encodeURIComponent(version)}`;
  return { 'bom-ref': purl, ...(scope === undefined ? {} : { group: scope }), name: bare ?? name, version, purl };
}

function licensesOf({ name, license, licenses = [] }: Manifest): readonly object[] {
  const said = license ?? licenses.map(({ type }) => type).join(' OR ');
  if (said === '')
    throw new NightliftError('config', `writing the bill of materials: package.json of ${name} names no licence`, {
      remedy: 'Find out under which one it may be passed on before it goes into the bundle.',
    });
  // A list of identifiers is an expression of SPDX; what is neither ("SEE LICENSE IN …") is only a name.
  if (/^[\w.-]+$/.test(said)) return [{ license: { id: said } }];
  return /^\(?[\w.-]+\)?( (AND|OR|WITH) \(?[\w.-]+\)?)+$/.test(said)
    ? [{ expression: said }]
    : [{ license: { name: said } }];
}

/** Of the bundle's own hash, with the marks of a random UUID (RFC 9562, version 4). */
function uuidOf(sha256: string): string {
  const digits = `${sha256.slice(0, 12)}4${sha256.slice(13, 16)}8${sha256.slice(17, 32)}`;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
