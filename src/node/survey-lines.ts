import { NightliftError } from '../errors.ts';
import { oneLine } from '../plain-text.ts';

/** Fields by the key of their line, which may be there several times. */
export type Lines = ReadonlyMap<string, readonly (readonly string[])[]>;

export function notASurvey(why: string): NightliftError {
  return new NightliftError('node', `reading what the node says of itself: ${why}`, {
    remedy: 'See what survey.sh prints on the node; an edited copy must print every line.',
  });
}

export function linesOf(output: string): Lines {
  const lines = new Map<string, string[][]>();
  for (const line of output.split('\n')) {
    if (!line.startsWith('survey.')) continue;
    const [key = '', ...fields] = line.slice('survey.'.length).split('\t');
    const found = lines.get(key);
    if (found === undefined) lines.set(key, [fields]);
    else found.push(fields);
  }
  return lines;
}

export const all = (lines: Lines, key: string): readonly (readonly string[])[] => lines.get(key) ?? [];
export const first = (lines: Lines, key: string): readonly string[] => all(lines, key)[0] ?? [];
export const firsts = (lines: Lines, key: string): string[] => all(lines, key).map(([value = '']) => oneLine(value));

export function positive(text: string): number | null {
  const value = Number(text);
  return text.trim() === '' || !Number.isFinite(value) || value < 0 ? null : value;
}
