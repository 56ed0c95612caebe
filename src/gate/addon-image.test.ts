import { describe, expect, it } from 'vitest';
import type { WorkloadFact } from '../facts/facts.ts';
import { recognize } from './addon-image.ts';
import { type Addon, addonMatrix } from './addon-matrix.ts';

function addon(fields: Partial<Addon> = {}): Addon {
  const own = {
    name: 'gadget',
    images: ['acme/gadget'],
    kinds: ['Deployment'],
    workloads: ['tools/gadget'],
    ...fields,
  };
  const found = addonMatrix({ addons: [own] }, 'own.yaml').addons.find(({ name }) => name === 'gadget');
  if (found === undefined) throw new Error('the matrix has lost it');
  return found;
}

const workload = (fields: Partial<WorkloadFact> = {}): WorkloadFact => ({
  kind: 'Deployment',
  namespace: 'shop',
  name: 'any',
  images: ['acme/gadget:1.2.3'],
  ...fields,
});

/** The version; 'no version' when the addon is there without one, undefined when it is not this addon. */
function version(one: WorkloadFact, of = addon()): string | undefined {
  const running = recognize(of, one);
  if (running === undefined) return undefined;
  expect(running).toMatchObject({ addon: of, workload: one });
  return running.version ?? 'no version';
}

describe('an addon is recognized', () => {
  it.each([
    ['acme/gadget:1.2.3', '1.2.3'],
    ['quay.io/acme/gadget:1.2.3', '1.2.3'],
    ['mirror:5000/a/b/acme/gadget:1.2.3', '1.2.3'],
    ['mirror:5000/acme/gadget:1.2.3@sha256:0123', '1.2.3'],
    ['mirror:5000/acme/gadget@sha256:0123', 'no version'],
    ['mirror:5000/acme/gadget', 'no version'],
    ['acme/gadget', 'no version'],
    ['acme/gadget:', 'no version'],
    ['myacme/gadget:1.2.3', undefined],
    ['acme/gadget-extra:1.2.3', undefined],
    ['acme/gadget/extra:1.2.3', undefined],
    ['gadget:1.2.3', undefined],
  ])('by the end of the path of its image: %s → %s', (image, want) => {
    expect(version(workload({ images: [image] }))).toBe(want);
  });

  it.each([
    ['autoscaler-*', 'k8s/autoscaler-arm64:1.2.3', '1.2.3'],
    ['autoscaler-*', 'k8s/autoscaler-arm64/x:1.2.3', undefined],
    ['autoscaler-*', 'k8s/autoscaler:1.2.3', undefined],
    ['*/gadget', 'acme/gadget:1.2.3', '1.2.3'],
    ['a*/g*t', 'acme/gadget:1.2.3', '1.2.3'],
    ['acme.io/c+', 'acme.io/c+:1.2.3', '1.2.3'],
    ['acme.io/c', 'acmeXio/c:1.2.3', undefined],
    ['c+', 'ccc:1.2.3', undefined],
    ['gadget', 'gadget', 'no version'],
  ])('by the pattern %s: %s → %s', (pattern, image, want) => {
    expect(version(workload({ images: [image] }), addon({ images: [pattern] }))).toBe(want);
  });

  it.each([
    ['v3.30.1', '3.30.1'],
    ['1.15', '1.15'],
    ['v1.15', '1.15'],
    ['25.10', '25.10'],
    ['10.20.30', '10.20.30'],
    ['stable-2.14.10', '2.14.10'],
    ['edge-25.8.1', '25.8.1'],
    ['enterprise-v2.19.1', '2.19.1'],
    ['v4.2.0-debian-12-r1', '4.2.0'],
    ['1.15-alpine', '1.15'],
    ['v3.32.0-rc.1', '3.32.0-rc.1'],
    ['v3.32.0-rc1-amd64', '3.32.0-rc1'],
    ['v3.32.0-0.dev-123-gabc', '3.32.0-0.dev-123'],
    ['v1.17.0-pre.2', '1.17.0-pre.2'],
    ['1.15-beta', '1.15-beta'],
    ['v1.2.3-4-gabcdef', '1.2.3'],
    ['1.2.3.4', 'no version'],
    ['1.2.', 'no version'],
    ['1', 'no version'],
    ['v1', 'no version'],
    ['latest', 'no version'],
    ['vv1.2.3', 'no version'],
    ['nightly-1.2.3', 'no version'],
    ['stable1.2.3', 'no version'],
    ['release-of-stable-1.2.3', 'no version'],
  ])('with the version that the tag %s says: %s', (tag, want) => {
    expect(version(workload({ images: [`acme/gadget:${tag}`] }))).toBe(want);
  });

  it('with the version of the first of its images that says one', () => {
    const images = ['acme/proxy:9.9.9', 'acme/gadget:latest', 'acme/gadget:2.0.1', 'acme/gadget:3.0.0'];
    expect(version(workload({ images }))).toBe('2.0.1');
  });

  it('by any of its images', () => {
    const two = addon({ images: ['acme/gadget', 'acme/gadget-agent'] });
    expect(version(workload({ images: ['acme/gadget-agent:1.2.3'] }), two)).toBe('1.2.3');
    expect(version(workload({ images: ['acme/gadget:1.2.3'] }), two)).toBe('1.2.3');
  });

  it('as one of the kinds in which it runs only', () => {
    expect(version(workload({ kind: 'DaemonSet' }))).toBeUndefined();
    expect(version(workload({ kind: 'DaemonSet' }), addon({ kinds: ['Deployment', 'DaemonSet'] }))).toBe('1.2.3');
    expect(version(workload({ kind: 'DaemonSet', namespace: 'tools', name: 'gadget' }))).toBeUndefined();
  });

  it.each<[string, Partial<WorkloadFact>, string | undefined]>([
    ['of the one image', { images: ['mirror/renamed:1.2.3'] }, '1.2.3'],
    ['that no tag says', { images: ['mirror/renamed'] }, 'no version'],
    ['that could be of either image', { images: ['mirror/renamed:1.2.3', 'mirror/proxy:9.9.9'] }, 'no version'],
    ['of no image', { images: [] }, 'no version'],
    ['in another namespace', { namespace: 'shop', images: ['mirror/renamed:1.2.3'] }, undefined],
    ['under another name', { name: 'gadget-2', images: ['mirror/renamed:1.2.3'] }, undefined],
  ])('by namespace and name when a mirror has renamed the image, with the version %s', (_title, fields, want) => {
    expect(version(workload({ namespace: 'tools', name: 'gadget', ...fields }))).toBe(want);
  });

  it('by its name in any namespace when the matrix gives none', () => {
    const anywhere = addon({ workloads: ['other', 'gadget'] });
    expect(version(workload({ name: 'gadget', images: ['mirror/renamed:1.2.3'] }), anywhere)).toBe('1.2.3');
    expect(version(workload({ name: 'gadge', images: ['mirror/renamed:1.2.3'] }), anywhere)).toBeUndefined();
  });
});
