import { describe, expect, it } from 'vitest';
import { NightliftError } from '../errors.ts';
import {
  type Addon,
  addonMatrix,
  allows,
  compareAddonVersions,
  isListed,
  rowFor,
  type SupportRow,
  supportRows,
} from './addon-matrix.ts';

const BUILT_IN = addonMatrix(undefined, '').addons;
const NEW = { name: 'gadget', images: ['acme/gadget'], kinds: ['Deployment'] };

function merged(name: string, ...own: object[]): Addon | undefined {
  return addonMatrix({ addons: own }, 'own.yaml').addons.find((addon) => addon.name === name);
}

const builtIn = (name: string): Addon | undefined => BUILT_IN.find((addon) => addon.name === name);

describe("an operator's addon matrix", () => {
  it('changes nothing when there is none, or it names no addon', () => {
    expect(addonMatrix(undefined, '').addons).toEqual(BUILT_IN);
    expect(addonMatrix({ addons: [] }, 'own.yaml').addons).toEqual(BUILT_IN);
    expect(() => addonMatrix(null, 'own.yaml')).toThrow(/reading the addon matrix in own.yaml/);
    expect(addonMatrix({ collected: '2026-11-01', addons: [] }, 'own.yaml').addons).toEqual(BUILT_IN);
  });

  it('changes only the fields that it says, of an addon that is built in', () => {
    expect(merged('ingress-nginx', { name: 'ingress-nginx', pinned: true })).toEqual({
      ...builtIn('ingress-nginx'),
      pinned: true,
    });
    expect(merged('ingress-nginx', { name: 'ingress-nginx', retired: false, workloads: [] })).toEqual({
      ...builtIn('ingress-nginx'),
      retired: false,
      workloads: [],
    });
  });

  it('merges a table row by row', () => {
    const own = { name: 'calico', supports: { '3.32': '1.34-1.37', '3.33': '1.35-1.38' } };
    expect(merged('calico', own)?.supports).toEqual({ ...builtIn('calico')?.supports, ...own.supports });
  });

  it('leaves the other addons and their order alone, and puts new ones last', () => {
    const names = addonMatrix({ addons: [NEW, { name: 'calico', pinned: true }] }, 'own.yaml').addons.map(
      ({ name }) => name,
    );
    expect(names).toEqual([...BUILT_IN.map(({ name }) => name), 'gadget']);
  });

  it('may name an addon twice, which counts together', () => {
    const twice = merged('calico', { name: 'calico', pinned: true }, { name: 'calico', reason: 'a bug' });
    expect(twice).toMatchObject({ pinned: true, reason: 'a bug' });
  });

  it('fills in what it does not say of a new addon', () => {
    expect(merged('gadget', NEW)).toEqual({
      ...NEW,
      workloads: [],
      supports: {},
      basis: 'declared',
      retired: false,
      follows: false,
      managedByKubeadm: false,
      pinned: false,
      reason: '',
      source: '',
    });
  });

  it.each<[unknown, string]>([
    [
      { addons: [{ name: 'calicoo' }] },
      '"calicoo" is not built in; did you mean "calico"? A new addon needs images and kinds',
    ],
    [{ addons: [], addon: [] }, '\n  - addon: no such key; did you mean "addons"?'],
    [{ addons: [], zzz: 1 }, '\n  - zzz: no such key'],
    [
      { addons: [], colected: '', suports: {} },
      '\n  - colected: no such key; did you mean "collected"?\n  - suports: no such key',
    ],
    [
      { addons: [{ ...NEW, suports: {}, zzz: 1 }] },
      '\n  - addons.0.suports: no such key; did you mean "supports"?\n  - addons.0.zzz: no such key',
    ],
    [
      { addons: [{ ...NEW, kinds: ['Pod'] }, { name: '' }] },
      '\n  - addons.0.kinds.0: Invalid option: expected one of "Deployment"|"DaemonSet"|"StatefulSet"\n  - addons.1.name: Too small: expected string to have >=1 characters',
    ],
    ['text', '\n  - the file: Invalid input: expected object, received string'],
  ])('is refused as %j', (own, problem) => {
    let thrown: unknown;
    try {
      addonMatrix(own, 'own.yaml');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(NightliftError);
    expect(thrown).toMatchObject({
      kind: 'config',
      message: `reading the addon matrix in own.yaml: ${problem}`,
      remedy: 'Mend the file; docs/gates.md says how it is written.',
    });
  });

  it.each([
    ['zzz', { name: 'zzz' }],
    ['gadget', { ...NEW, images: undefined }],
    ['gadget', { ...NEW, kinds: undefined }],
  ])('is refused for the addon %s, which is not built in and not whole: %j', (name, own) => {
    expect(() => merged(name, own)).toThrow(
      new RegExp(`: "${name}" is not built in[.;]? A new addon needs images and kinds$`),
    );
  });

  it.each([
    ['1.36-1.31', false],
    ['1.36-1.36', true],
    ['1.9-1.10', true],
    ['1.10-1.9', false],
    ['1.31+', true],
    ['1.31', false],
    ['1.31-', false],
    ['from 1.31+', false],
    ['1.31+ or so', false],
  ])('may give the minors "%s": %s', (range, good) => {
    const read = () => merged('gadget', { ...NEW, supports: { '1.0': range } })?.supports;
    if (good) expect(read()).toEqual({ '1.0': range });
    else expect(read).toThrow(/^reading the addon matrix in own\.yaml: \n {2}- addons\.0\.supports\.1\.0: /);
  });
});

describe('the rows of an addon', () => {
  it('are in the order of its versions, as numbers', () => {
    const supports = { '1.10': '1.31-1.35', '1.9.6': '1.30+', '1.9': '1.29-1.34', '0.20': '1.20-1.21' };
    const gadget = merged('gadget', { ...NEW, supports });
    expect(gadget === undefined ? [] : supportRows(gadget)).toEqual([
      { version: '0.20', min: '1.20', max: '1.21' },
      { version: '1.9', min: '1.29', max: '1.34' },
      { version: '1.9.6', min: '1.30', max: null },
      { version: '1.10', min: '1.31', max: '1.35' },
    ]);
  });

  const row = (version: string, max: string | null = '1.35'): SupportRow => ({ version, min: '1.30', max });

  it.each([
    ['1.9.0', '1.9'],
    ['1.9.5', '1.9'],
    ['1.9.6', '1.9.6'],
    ['1.9.12', '1.9.6'],
    ['1.9', '1.9'],
    ['1.10.1', '1.10.1'],
    ['1.10.0', '1.9.6', 'not listed'],
    ['2.9.6', '1.10.1', 'not listed'],
    ['1.10.1-rc.1', '1.9.6', 'not listed'],
    ['1.10.2-rc.1', '1.10.1'],
    ['1.9.6-beta1', '1.9'],
    ['1.9-rc.1', undefined],
    ['1.8.9', undefined],
    ['1.1.9', undefined],
  ])('have for the version %s the row %s', (version, want, listed = 'listed') => {
    const rows = [row('1.9'), row('1.9.6'), row('1.10.1')];
    const found = rowFor(rows, version);
    expect(found?.version).toBe(want);
    if (found !== undefined) expect(isListed(found, version)).toBe(listed === 'listed');
  });

  it.each([
    ['1.35', '1.34', true],
    ['1.35', '1.35', true],
    ['1.35', '1.36', false],
    ['1.9', '1.10', false],
    [null, '1.99', true],
  ])('up to %s allow %s: %s', (max, minor, allowed) => {
    expect(allows(row('1.0', max), minor)).toBe(allowed);
  });
});

describe('versions of addons', () => {
  it.each([
    ['1.9', '1.10', -1],
    ['1.10', '1.9', 1],
    ['2.0', '1.9', 1],
    ['0.9', '25.10', -1],
    ['1.2.3', '1.2.10', -1],
    ['1.2', '1.2.0', 0],
    ['1.2', '1.2.1', -1],
    ['1.2.1', '1.2', 1],
    ['1.2.3', '1.2.3', 0],
    ['1.2.9', '1.3.0', -1],
    ['1.3.0-rc.1', '1.3.0', -1],
    ['1.3.0', '1.3.0-rc.1', 1],
    ['1.3-rc.1', '1.3.0', -1],
    ['1.3.0-rc.1', '1.2.9', 1],
    ['1.3.0-rc.1', '1.3.0-rc.2', 0],
  ])('%s and %s compare as %i', (a, b, want) => {
    expect(Math.sign(compareAddonVersions(a, b))).toBe(want);
  });
});
