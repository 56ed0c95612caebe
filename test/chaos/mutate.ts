/** A generator of numbers from a seed: what failed can be run again. */
export interface Dice {
  /** From 0 to below `count`. */
  below(count: number): number;
  pick<T>(items: readonly T[]): T;
}

export function createDice(seed: number): Dice {
  let state = seed >>> 0;
  // mulberry32
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (count: number): number => Math.floor(next() * count);
  return {
    below,
    pick: (items) => {
      const item = items[below(items.length)];
      if (item === undefined) throw new Error('nothing to pick from');
      return item;
    },
  };
}

/** What has broken parsers before. */
const NASTY: readonly string[] = [
  '',
  '\0',
  '\n',
  '\r\n',
  '\t',
  ' ',
  '\u2028',
  '\ufeff',
  'é',
  '🙂',
  '\ud800',
  '-',
  '--',
  '<html>',
  '"',
  "'",
  '\\',
  '|',
  ':',
  '*',
  '(',
  '[',
  '{',
  '0',
  '-1',
  '1e309',
  '99999999999999999999',
  'v1.36.4',
  '1.36.4-1.1',
  '1.36.5-rc.0',
  'constructor',
  '__proto__',
  'toString',
  'null',
  'NaN',
  'nightlift: ',
];

/** What stands in JSON where something else is expected. */
const LITERALS: readonly string[] = [
  'null',
  'true',
  'false',
  '0',
  '-1',
  '1e309',
  '1.5',
  '""',
  '"x"',
  '[]',
  '{}',
  '[null]',
  '"2026-11-21T00:00:00Z"',
];
const JSON_VALUE = /(?<="[^"]{1,40}":)("[^"]{0,200}"|-?\d[\d.e+]*|true|false|null)/g;

/** Long enough that a regexp which tries all ways to match is noticed. */
const LONGEST_RUN = 400;
const LONGEST = 16_384;

/** One of the seeds, changed at a few places as damage, proxies and people change text. */
export function mutate(dice: Dice, seeds: readonly string[]): string {
  let text = dice.pick(seeds);
  for (let change = 1 + dice.below(4); change > 0; change -= 1) text = changed(dice, text, seeds).slice(0, LONGEST);
  return text;
}

function changed(dice: Dice, text: string, seeds: readonly string[]): string {
  const at = dice.below(text.length + 1);
  const end = Math.min(text.length, at + 1 + dice.below(dice.below(4) === 0 ? 400 : 12));
  switch (dice.below(text.includes('":') ? 12 : 10)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(at);
    case 2:
      return text.slice(0, at) + text.slice(end);
    case 3:
      return text.slice(0, end) + text.slice(at);
    case 4:
      return text.slice(0, at) + dice.pick(NASTY) + text.slice(at);
    case 5:
      return text.slice(0, at) + dice.pick(NASTY) + text.slice(end);
    case 6: {
      const piece = dice.below(2) === 0 ? dice.pick(NASTY) : text.slice(at, Math.min(end, at + 12));
      return text.slice(0, at) + piece.repeat(1 + dice.below(LONGEST_RUN)) + text.slice(at);
    }
    case 7: {
      const lines = text.split('\n');
      const [line = ''] = lines.splice(dice.below(lines.length), 1);
      lines.splice(dice.below(lines.length + 1), 0, line, ...(dice.below(2) === 0 ? [line] : []));
      return lines.join('\n');
    }
    case 8: {
      const other = dice.pick(seeds);
      return text.slice(0, at) + other.slice(dice.below(other.length + 1));
    }
    case 9:
      return text.slice(0, at) + String.fromCodePoint(dice.below(0x2fff)) + text.slice(Math.min(text.length, at + 1));
    default: {
      const values = [...text.matchAll(JSON_VALUE)];
      const value = values[dice.below(values.length)];
      if (value === undefined) return text;
      return text.slice(0, value.index) + dice.pick(LITERALS) + text.slice(value.index + value[0].length);
    }
  }
}
