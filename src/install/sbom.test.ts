import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { composeSbom, type SbomOptions } from './sbom.ts';

const HASH = createHash('sha512').update('a package').digest();
const integrity = `sha512-${HASH.toString('base64')}`;

/** What https://cyclonedx.org/docs/1.6/json/ requires of the fields that are used here. */
const Ref = z.string().min(1);
const Hash = z.union([
  z.strictObject({ alg: z.literal('SHA-512'), content: z.string().regex(/^[0-9a-f]{128}$/) }),
  z.strictObject({ alg: z.literal('SHA-256'), content: z.string().regex(/^[0-9a-f]{64}$/) }),
]);
const License = z.union([
  z.strictObject({
    license: z.strictObject({ id: z.enum(['MIT', 'ISC', 'Apache-2.0', 'BSD-3-Clause', 'Unlicense']) }),
  }),
  z.strictObject({ license: z.strictObject({ name: z.string() }) }),
  z.strictObject({ expression: z.string() }),
]);
const Component = z.strictObject({
  type: z.enum(['application', 'library']),
  'bom-ref': Ref,
  group: z.string().optional(),
  name: z.string().min(1),
  version: z.string().max(1024),
  hashes: z.array(Hash).min(1),
  licenses: z.array(License).min(1),
  purl: z.string().regex(/^pkg:npm\/(%40[\w.-]+\/)?[\w.-]+@[^/@]+$/),
});
const CycloneDx = z.strictObject({
  $schema: z.literal('http://cyclonedx.org/schema/bom-1.6.schema.json'),
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.literal('1.6'),
  serialNumber: z.string().regex(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
  version: z.int().min(1),
  metadata: z.strictObject({ component: Component }),
  components: z.array(Component),
  dependencies: z.array(z.strictObject({ ref: Ref, dependsOn: z.array(Ref) })),
});

const PACKAGES: Readonly<Record<string, object>> = {
  '': { name: 'ours', version: '1.0.0', license: 'Apache-2.0' },
  'node_modules/a': { name: 'a', version: '1.2.3', license: 'MIT' },
  'node_modules/@b/c': { name: '@b/c', version: '2.0.0-rc.1', license: '(MIT OR Apache-2.0)' },
  'node_modules/a/node_modules/d': { name: 'd', version: '1.0.0', licenses: [{ type: 'MIT' }] },
  'node_modules/@b/c/node_modules/d': { name: 'd', version: '1.0.0', licenses: [{ type: 'MIT' }] },
  'node_modules/d': { name: 'd', version: '2.0.0', license: 'SEE LICENSE IN FILE' },
};
const LOCK = {
  packages: {
    '': { dependencies: { a: '1', '@b/c': '2' }, devDependencies: { d: '2' } },
    'node_modules/a': { version: '1.2.3', integrity, dependencies: { d: '1', absent: '1' } },
    'node_modules/@b/c': {
      version: '2.0.0-rc.1',
      integrity,
      optionalDependencies: { d: '1' },
      dependencies: { a: '1' },
    },
    'node_modules/a/node_modules/d': { version: '1.0.0', integrity },
    'node_modules/@b/c/node_modules/d': { version: '1.0.0', integrity },
    'node_modules/d': { version: '2.0.0', integrity },
    'node_modules/absent': { version: '1.0.0', integrity },
  },
};

function sbom(fields: Partial<SbomOptions> = {}) {
  return CycloneDx.parse(
    composeSbom({
      program: Buffer.from('program'),
      files: [
        'src/main.ts',
        'node_modules/a/index.js',
        '../elsewhere/node_modules/@b/c/lib/x.js',
        'node_modules/a/node_modules/d/index.js',
        'node_modules/@b/c/node_modules/d/index.js',
        'node_modules/d/y.js',
      ],
      lock: LOCK,
      manifest: (folder) => PACKAGES[folder],
      ...fields,
    }),
  );
}

describe('the bill of materials', () => {
  it('has every package of which the bundle holds a file, once, with its licence and the hash of the lock', () => {
    const { components, metadata } = sbom();
    expect(components.map(({ purl, licenses: [first] }) => [purl, first])).toEqual([
      ['pkg:npm/%40b/c@2.0.0-rc.1', { expression: '(MIT OR Apache-2.0)' }],
      ['pkg:npm/d@1.0.0', { license: { id: 'MIT' } }],
      ['pkg:npm/a@1.2.3', { license: { id: 'MIT' } }],
      ['pkg:npm/d@2.0.0', { license: { name: 'SEE LICENSE IN FILE' } }],
    ]);
    for (const { hashes } of components) expect(hashes).toEqual([{ alg: 'SHA-512', content: HASH.toString('hex') }]);
    expect(components[0]).toMatchObject({ group: '@b', name: 'c' });
    const content = createHash('sha256').update('program').digest('hex');
    expect(metadata.component).toMatchObject({
      type: 'application',
      name: 'ours',
      hashes: [{ alg: 'SHA-256', content }],
    });
  });

  it('says what needs what, as Node would find it, and names nothing that is not in it', () => {
    const { components, dependencies, metadata } = sbom();
    expect(Object.fromEntries(dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]))).toEqual({
      'pkg:npm/ours@1.0.0': ['pkg:npm/%40b/c@2.0.0-rc.1', 'pkg:npm/a@1.2.3'],
      'pkg:npm/a@1.2.3': ['pkg:npm/d@1.0.0'],
      'pkg:npm/%40b/c@2.0.0-rc.1': ['pkg:npm/a@1.2.3', 'pkg:npm/d@1.0.0'],
      'pkg:npm/d@1.0.0': [],
      'pkg:npm/d@2.0.0': [],
    });
    const refs = [metadata.component, ...components].map((component) => component['bom-ref']);
    expect(new Set(refs).size).toBe(refs.length);
    expect(dependencies.map(({ ref }) => ref).toSorted()).toEqual(refs.toSorted());
  });

  it('is the same for the same bundle, and another for another', () => {
    expect(sbom()).toEqual(sbom());
    expect(sbom({ program: Buffer.from('other') }).serialNumber).not.toBe(sbom().serialNumber);
  });

  it.each([
    [
      'another version than the locked one',
      { ...LOCK.packages, 'node_modules/a': { version: '1.2.4', integrity } },
      'node_modules/a is 1.2.3, and package-lock.json has 1.2.4',
    ],
    [
      'no hash',
      { ...LOCK.packages, 'node_modules/a': { version: '1.2.3' } },
      'package-lock.json has 1.2.3, without a hash',
    ],
    ['nothing in the lock', { '': {} }, 'package-lock.json does not have it'],
  ])('is not written for %s', (_title, packages, says) => {
    expect(() => sbom({ lock: { packages } })).toThrow(says);
  });

  it('is not written for a package without a licence', () => {
    const manifest = (folder: string) =>
      folder === 'node_modules/a' ? { name: 'a', version: '1.2.3' } : PACKAGES[folder];
    expect(() => sbom({ manifest })).toThrow('package.json of a names no licence');
  });
});
