import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allChecks } from './checks.ts';

const text = readFileSync(new URL('../../docs/gates.md', import.meta.url), 'utf8');
const [, ...chapters] = text.split(/^## /m);

describe('docs/gates.md', () => {
  it('has one heading for each check, in the order in which they run', () => {
    expect(chapters.map((chapter) => chapter.split('\n')[0])).toEqual(allChecks.map((check) => check.name));
  });

  it('says of each check what it reads, when it refuses, its class and how to clear it', () => {
    for (const chapter of chapters) {
      for (const part of ['**Reads**', '**Refuses when**', '**Class**', '**How to clear**'])
        expect(chapter).toContain(part);
    }
  });
});
