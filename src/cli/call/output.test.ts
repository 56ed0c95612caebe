import { describe, expect, it } from 'vitest';
import { widthOf, wrapped, wrappedTable } from './output.ts';

describe('wrapped', () => {
  it('breaks at words, and what follows is indented', () => {
    expect(wrapped('one two three four', 9, '  ')).toEqual(['one two', '  three', '  four']);
  });

  it('leaves a word that is too long as it is, and breaks nothing without a width', () => {
    expect(wrapped('a-very-long-word b', 5)).toEqual(['a-very-long-word', 'b']);
    expect(wrapped('one two three four', 0)).toEqual(['one two three four']);
  });
});

describe('wrappedTable', () => {
  const rows = [
    ['1.', 'preflight', 'everything that can say no says it'],
    ['2.', 'master', 'short'],
  ];

  it('breaks the last cell under itself', () => {
    expect(wrappedTable(rows, 40)).toEqual([
      '1.  preflight  everything that can say',
      '               no says it',
      '2.  master     short',
    ]);
  });

  it('breaks nothing where there is no room for it, or no width', () => {
    for (const width of [30, 0])
      expect(wrappedTable(rows, width)).toEqual([
        '1.  preflight  everything that can say no says it',
        '2.  master     short',
      ]);
  });
});

it('only a terminal has a width', () => {
  expect([widthOf({ terminal: true, columns: 80 }), widthOf({ terminal: false, columns: 80 })]).toEqual([79, 0]);
});
