import { z } from 'zod';
import { nearest } from '../nearest.ts';
import { parseVersion } from '../version.ts';

/** What a field's documentation adds to its description: why the default is what it is, and the unit of a number. */
interface FieldNotes {
  readonly unit?: string;
  readonly reason: string;
}

export const notes = (description: string, more: FieldNotes) => ({ description, ...more });

export const seconds = (fallback: number, description: string, reason: string) =>
  z
    .number()
    .nonnegative()
    .default(fallback)
    .meta(notes(description, { unit: 'seconds', reason }));

export const stringList = (fallback: string[], description: string, reason: string) =>
  z.array(z.string().min(1)).default(fallback).meta(notes(description, { reason }));

export const version = z
  .string()
  .refine((text) => parseVersion(text) === text, 'give a version in full, for example 1.36.4');
export const clockTime = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'give a time of day as HH:MM, for example 23:00');
export const name = z.string().min(1).max(253);

const NO_DAY = 'give a day that exists as YYYY-MM-DD, for example 2026-12-24';

/** A day of the calendar, for example 2026-12-24. */
export const date = z.iso.date(NO_DAY);

export const dateOrNone = z
  .string()
  .refine((text) => text === '' || date.safeParse(text).success, NO_DAY)
  .default('');

/** What is not one of the words, with the one that was most likely meant. */
export function notOneOf(what: string, input: unknown, words: readonly string[]): string {
  const close = typeof input === 'string' ? nearest(input, words) : undefined;
  return `${JSON.stringify(input)} is no ${what}${close === undefined ? '' : `; did you mean "${close}"?`}`;
}
