import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { oneLine, plainJson, plainYaml } from './plain-text.ts';

const UNSEEN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]|[\u{e0000}-\u{e007f}]/u;

describe('one line', () => {
  it.each([
    ['worker-1', 'worker-1'],
    ['Debian GNU/Linux 12 (bookworm) é 日本 ⚠️ ⏸️', 'Debian GNU/Linux 12 (bookworm) é 日本 ⚠️ ⏸️'],
    ['\u001b[2J', String.raw`\u001b[2J`],
    ['\u009b2J\u007f', String.raw`\u009b2J\u007f`],
    ['a\u202eb\u2066c', String.raw`a\u202eb\u2066c`],
    ['a\r\n\r\n  b\u2028c\n', 'a ⏎ b ⏎ c'],
    ['a\tb', 'a b'],
    ['a\u{e0041}b', String.raw`a\udb40\udc41b`],
    ['half \ud800', String.raw`half \ud800`],
    ['deb https://ci:S3CRET-PW@mirror/x and http://token@h:1/', 'deb https://***@mirror/x and http://***@h:1/'],
    ['mail someone@example.org about http://h/a?b=c', 'mail someone@example.org about http://h/a?b=c'],
    ['می\u200cخواهم', 'می\u200cخواهم'],
    // No sign, and not to be seen either.
    ['a\u{e0002}b', 'a\\udb40\\udc02b'],
  ])('shows %j as %j', (text, shown) => {
    expect(oneLine(text)).toBe(shown);
  });

  it('is one, and has nothing that a terminal obeys, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(oneLine(text)).not.toMatch(UNSEEN);
      }),
    );
  });
});

describe('plain YAML', () => {
  it('tells no password of an address, and folds nothing', () => {
    const value = { a: 'https://ci:S3CRET@h/x', b: [1, true, null], c: 'word '.repeat(60) };
    expect(parse(plainYaml(value))).toEqual({ ...value, a: 'https://***@h/x' });
    expect(plainYaml(value)).toContain('word '.repeat(60));
  });

  it('is the same to a parser, and plain to a terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (key, text) => {
        const yaml = plainYaml({ [`k${key}`]: text });
        expect(parse(yaml)).toEqual({ [`k${key}`]: text });
        expect(yaml.replaceAll('\n', '')).not.toMatch(UNSEEN);
      }),
    );
  });
});

describe('plain JSON', () => {
  it('tells no password of an address', () => {
    expect(JSON.parse(plainJson({ a: 'https://ci:S3CRET@h/x' }))).toEqual({ a: 'https://***@h/x' });
  });

  it('is the same to a parser, and plain to a terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = plainJson({ text }, 2);
        expect(JSON.parse(json)).toEqual({ text });
        expect(json.replaceAll('\n', '')).not.toMatch(UNSEEN);
      }),
    );
  });
});
