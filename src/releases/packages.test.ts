import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NightliftError } from '../errors.ts';
import { packagesIndex } from '../rehearsal/services/package-repository.ts';
import { completeVersions, NODE_PACKAGES, type PackageStanza, parsePackages } from './packages.ts';

const stanzas = (
  versions: readonly string[],
  names: readonly string[] = NODE_PACKAGES,
  architecture = 'amd64',
): PackageStanza[] => versions.flatMap((version) => names.map((name) => ({ name, version, architecture })));
const complete = (found: readonly PackageStanza[], architectures = ['amd64']): string[] =>
  completeVersions(found, architectures, 'the test');

describe('a Packages file', () => {
  it('is read back as it was written, continuation lines and all', () => {
    const written = stanzas(['1.36.3-1.1', '1.36.4-2.1']);
    const text = packagesIndex(written).replaceAll(
      /^Description: (.*)$/gm,
      'Description: $1\n more of it\n .\n and more',
    );
    expect(parsePackages(text, 'x')).toEqual(written);
  });

  it('D04 counts a version only when kubeadm, kubelet and kubectl are all there, whatever other packages have', () => {
    const found = [
      ...stanzas(['1.37.0-1.1', '1.36.2-2.1', '1.36.10-1.1']),
      ...stanzas(['1.38.0-1.1'], ['cri-tools', 'kubernetes-cni']),
      ...stanzas(['1.37.1-1.1'], ['kubeadm', 'kubectl']),
    ];
    expect(complete(found)).toEqual(['1.36.2', '1.36.10', '1.37.0']);
  });

  it('counts a version only when it is there for every architecture that the nodes have', () => {
    const found = [...stanzas(['1.36.3-1.1', '1.36.4-1.1']), ...stanzas(['1.36.3-1.1'], NODE_PACKAGES, 'arm64')];
    expect(complete(found, ['amd64'])).toEqual(['1.36.3', '1.36.4']);
    expect(complete(found, ['amd64', 'arm64'])).toEqual(['1.36.3']);
  });

  it('never offers a prerelease', () => {
    expect(complete(stanzas(['1.37.0~rc.0-1.1', '1.37.0-beta.1-1.1', '1.36.3-1.1']))).toEqual(['1.36.3']);
  });

  it.each([
    ['nothing', '', /an empty body/],
    ['a page', '<!DOCTYPE html><html>', /HTML/],
    ['a line that is no field', 'Package: kubeadm\nnonsense\n', /line 2 is no field/],
    ['a continuation of nothing', ' lost\nPackage: a\n', /line 1 is no field/],
    [
      'a stanza that is cut off',
      'Package: kubeadm\nVersion: 1.36.3-1.1\n',
      /has not all of Package, Version and Architecture/,
    ],
    ['a field twice', 'Package: a\nPackage: b\n', /a second time/],
    ['JSON', '{"kubeadm": "1.36.3"}', /line 1 is no field/],
  ])('I14 is refused when it is %s', (_name, text, message) => {
    expect(() => parsePackages(text, 'the feed')).toThrow(message);
  });

  it('I14 is refused when it has no released kubeadm in it', () => {
    expect(() => complete([])).toThrow(/no released kubeadm/);
    expect(() => complete(stanzas(['1.36.3-1.1'], ['kubelet', 'kubectl']))).toThrow(/no released kubeadm/);
    expect(() => complete(stanzas(['1.37.0-rc.0-1.1']))).toThrow(/no released kubeadm/);
  });

  it('D03 is refused when a version cannot be read', () => {
    expect(() => complete(stanzas(['latest']))).toThrow(/kubeadm has the version "latest"/);
  });

  it('gives the same versions in any order of its stanzas', () => {
    const version = fc
      .tuple(fc.nat(3), fc.nat(12), fc.nat(2))
      .map(([minor, patch, revision]) => `1.3${minor}.${patch}-${revision}.1`);
    const stanza = fc.record({
      name: fc.constantFrom(...NODE_PACKAGES, 'cri-tools'),
      version,
      architecture: fc.constantFrom('amd64', 'arm64'),
    });
    fc.assert(
      fc.property(fc.array(stanza, { maxLength: 20 }), fc.nat(), (generated, turn) => {
        const all = [...stanzas(['1.30.0-1.1']), ...generated];
        const turned = [...all.slice(turn % all.length), ...all.slice(0, turn % all.length)];
        expect(complete(turned)).toEqual(complete(all));
        expect(parsePackages(packagesIndex(all), 'x')).toEqual(all);
      }),
      { numRuns: 50 },
    );
  });

  it('never reads garbage as an empty list: it is stanzas or an error that says what', () => {
    const valid = packagesIndex(stanzas(['1.36.3-1.1']));
    const mangled = fc
      .tuple(fc.nat(valid.length), fc.nat(40), fc.string({ maxLength: 20 }))
      .map(([at, cut, put]) => valid.slice(0, at) + put + valid.slice(at + cut));
    fc.assert(
      fc.property(fc.oneof(fc.string(), mangled), (text) => {
        let outcome: unknown;
        try {
          outcome = parsePackages(text, 'x').length > 0;
        } catch (error) {
          outcome = error instanceof NightliftError && error.kind === 'network';
        }
        expect(outcome).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
