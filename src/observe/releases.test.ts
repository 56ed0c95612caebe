import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../test/support/example-deps.ts';
import { NightliftError } from '../errors.ts';
import { exampleNode } from '../facts/example-facts.ts';
import { laterMinorsOf } from './releases.ts';

const signal = new AbortController().signal;
const release = (minor: string) => ({ minor, source: 'feed', versions: [`${minor}.1`] });

/** What a feed is asked that has these minors, and what comes of it. */
async function ask(has: (minor: string) => boolean, next: string | null = '1.37') {
  const asked: string[] = [];
  const { deps } = exampleWorld({
    deps: {
      feed: {
        minor: async (minor, architectures) => {
          asked.push(`${minor} for ${architectures.join(' ')}`);
          return has(minor) ? release(minor) : null;
        },
      },
    },
  });
  const nodes = [exampleNode('cp-1'), exampleNode('worker-1', { architecture: 'arm64' })];
  const found = await laterMinorsOf(deps, next === null ? null : release(next), nodes, signal);
  return { asked, found: found.map(({ minor }) => minor) };
}

describe('laterMinorsOf', () => {
  it('asks minor after minor until there is none, for the architectures of all nodes', async () => {
    expect(await ask((minor) => minor !== '1.40')).toEqual({
      asked: ['1.38 for amd64 arm64', '1.39 for amd64 arm64', '1.40 for amd64 arm64'],
      found: ['1.38', '1.39'],
    });
  });

  it('asks nothing where there is no next minor, which would have to be there before', async () => {
    expect(await ask(() => true, null)).toEqual({ asked: [], found: [] });
  });

  it('does not ask for ever', async () => {
    expect((await ask(() => true)).found).toHaveLength(12);
  });

  it('has no part of what could not be read wholly', async () => {
    const broken = ask((minor) => {
      if (minor === '1.39') throw new NightliftError('network', '503');
      return true;
    });
    await expect(broken).rejects.toThrow('503');
  });
});
