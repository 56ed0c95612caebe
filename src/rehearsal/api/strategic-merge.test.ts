import { expect, test } from 'vitest';
import { jsonPatch, mergePatch } from './patch.ts';
import { strategicMerge } from './strategic-merge.ts';

test.each([
  [
    'containers merge by name',
    { containers: [{ name: 'a', image: '1' }, { name: 'b' }] },
    { containers: [{ name: 'a', image: '2' }] },
    { containers: [{ name: 'a', image: '2' }, { name: 'b' }] },
  ],
  [
    'an item is deleted by directive',
    { env: [{ name: 'a' }, { name: 'b' }] },
    { env: [{ name: 'a', $patch: 'delete' }] },
    { env: [{ name: 'b' }] },
  ],
  [
    'a list is replaced by directive',
    { env: [{ name: 'a' }] },
    { env: [{ $patch: 'replace' }, { name: 'b' }] },
    { env: [{ name: 'b' }] },
  ],
  [
    'an object is replaced by directive',
    { labels: { a: '1' } },
    { labels: { $patch: 'replace', b: '2' } },
    { labels: { b: '2' } },
  ],
  [
    'tolerations are replaced whole',
    { tolerations: [{ key: 'a' }] },
    { tolerations: [{ key: 'b' }] },
    { tolerations: [{ key: 'b' }] },
  ],
  ['finalizers are a set', { finalizers: ['a'] }, { finalizers: ['a', 'b'] }, { finalizers: ['a', 'b'] }],
  [
    'values leave a set by directive',
    { finalizers: ['a', 'b'] },
    { '$deleteFromPrimitiveList/finalizers': ['a'] },
    { finalizers: ['b'] },
  ],
  ['null removes', { a: 1, b: 2 }, { a: null }, { b: 2 }],
  [
    'ports of a container have another key than those of a service',
    { ports: [{ containerPort: 1 }] },
    { ports: [{ containerPort: 1, name: 'x' }] },
    { ports: [{ containerPort: 1, name: 'x' }] },
  ],
])('%s', (_title, target, patch, expected) => {
  expect(strategicMerge(target, patch)).toEqual(expected);
});

test('RFC 7386: a merge patch replaces lists and removes nulls', () => {
  expect(mergePatch({ a: [1, 2], b: { c: 1, d: 2 } }, { a: [3], b: { c: null } })).toEqual({ a: [3], b: { d: 2 } });
});

test('RFC 6902: operations work in order on lists and escaped names', () => {
  const operations = [
    { op: 'add', path: '/list/1', value: 'x' },
    { op: 'add', path: '/list/-', value: 'y' },
    { op: 'move', from: '/a~1b', path: '/c~0d' },
    { op: 'copy', from: '/c~0d', path: '/e' },
  ] as const;
  expect(jsonPatch({ list: ['a', 'b'], 'a/b': 1 }, operations)).toEqual({ list: ['a', 'x', 'b', 'y'], 'c~d': 1, e: 1 });
});
