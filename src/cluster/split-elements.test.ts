import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ElementSplitter } from './split-elements.ts';

function split(text: string, sizes: readonly number[] = [7]): { elements: unknown[]; envelope: string } {
  const elements: unknown[] = [];
  const splitter = new ElementSplitter(['items', 'rows'], (json) => elements.push(JSON.parse(json)));
  const bytes = Buffer.from(text);
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    splitter.write(bytes.subarray(at, at + size));
    at += size;
  }
  return { elements, envelope: splitter.envelope() };
}

describe('taking a list apart', () => {
  test('elements and envelope are what JSON.parse makes of the whole, however the bytes come', () => {
    const value = fc.jsonValue();
    const list = fc.record({
      kind: fc.string(),
      metadata: fc.dictionary(fc.string(), value),
      items: fc.array(fc.dictionary(fc.string(), value)),
      columnDefinitions: fc.array(value),
    });
    fc.assert(
      fc.property(
        list,
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        fc.boolean(),
        (whole, sizes, wide) => {
          const { elements, envelope } = split(JSON.stringify(whole, null, wide ? 2 : 0), sizes);
          expect(elements).toEqual(JSON.parse(JSON.stringify(whole.items)));
          expect(JSON.parse(envelope)).toEqual(JSON.parse(JSON.stringify({ ...whole, items: [] })));
        },
      ),
    );
  });

  test.each(['{"items":[1]}', '{"items":["a"]}', '{"items":[null]}'])('%s is no list of objects', (text) => {
    expect(() => split(text)).toThrow('no object');
  });

  test.each([
    ['cut off', '{"kind":"PodList","items":[{"a":1},{"b"'],
    ['no JSON', '<html>[{"a":1}]</html>'],
  ])('what is %s leaves an envelope that nobody can read', (_, text) => {
    expect(() => JSON.parse(split(text).envelope) as unknown).toThrow(/JSON/);
  });

  test('what is within an element, or in another member, is not taken for an element', () => {
    const { elements, envelope } = split('{"a":{"items":[{"no":1}]},"rows":[{"items":[{"in":1}]}]}');
    expect(elements).toEqual([{ items: [{ in: 1 }] }]);
    expect(JSON.parse(envelope)).toEqual({ a: { items: [{ no: 1 }] }, rows: [] });
  });
});
