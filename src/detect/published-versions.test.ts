import { describe, expect, it } from 'vitest';
import { exampleFacts } from '../facts/example-facts.ts';
import type { ReleaseFact } from '../facts/facts.ts';
import { known, unknown } from '../observed.ts';
import { patchesAbove, releasesOfNextMinor } from './published-versions.ts';

const release = (minor: string, ...versions: string[]): ReleaseFact => ({ minor, source: 'apt on cp-1', versions });

describe('patchesAbove', () => {
  const above = (fact: ReleaseFact) => patchesAbove(exampleFacts({ patchReleases: known(fact) }), '1.36.3');

  it('is what is newer than the running version, oldest first by number', () => {
    expect(above(release('1.36', '1.36.10', '1.36.3', '1.36.9', '1.36.2'))).toEqual(known(['1.36.9', '1.36.10']));
  });

  it('is nothing when the running version is the newest', () => {
    expect(above(release('1.36', '1.36.2', '1.36.3'))).toEqual(known([]));
  });

  it.each([
    {
      title: 'ends below the running version',
      fact: release('1.36', '1.36.1', '1.36.2'),
      why: 'apt on cp-1 offers 1.36.2 as the newest 1.36, but 1.36.3 is running: its list is stale',
    },
    {
      title: 'is of another minor',
      fact: release('1.37', '1.37.1'),
      why: 'apt on cp-1 answers for 1.37, but 1.36 was wanted',
    },
    {
      title: 'names the minor and has only versions of others',
      fact: release('1.36', '1.37.1', '1.35.9'),
      why: 'apt on cp-1 has no version of 1.36, which is not an answer',
    },
  ])('I14 is unknown when the list $title', ({ fact, why }) => {
    expect(above(fact)).toEqual(unknown(why));
  });

  it('I14 is unknown when nobody could be asked', () => {
    expect(patchesAbove(exampleFacts({ patchReleases: unknown('refused') }), '1.36.3')).toEqual(
      unknown('the patches of 1.36 could not be looked up: refused'),
    );
  });
});

describe('releasesOfNextMinor', () => {
  const next = (fact: ReleaseFact | null) =>
    releasesOfNextMinor(exampleFacts({ nextMinorReleases: known(fact) }), '1.37');

  it('D04 is what there is of that minor alone, oldest first', () => {
    expect(next(release('1.37', '1.37.10', '1.38.0', '1.37.9'))).toEqual(known(['1.37.9', '1.37.10']));
  });

  it('is null when the feed says that there is no such minor', () => {
    expect(next(null)).toEqual(known(null));
  });

  it.each([
    { title: 'of another minor', fact: release('1.38', '1.37.1'), why: 'answers for 1.38, but 1.37 was wanted' },
    { title: 'without a version', fact: release('1.37'), why: 'has no version of 1.37, which is not an answer' },
  ])('I14 is unknown for a list $title', ({ fact, why }) => {
    expect(next(fact)).toEqual(unknown(`apt on cp-1 ${why}`));
  });

  it('I14 is unknown when nobody could be asked', () => {
    expect(releasesOfNextMinor(exampleFacts({ nextMinorReleases: unknown('no route') }), '1.37')).toEqual(
      unknown('the releases of 1.37 could not be looked up: no route'),
    );
  });
});
