import { describe, expect, it } from 'vitest';
import { nightsFor } from './nights-for.ts';
import { Window } from './window.ts';

const TWO_HOURS = Window.parse({ start: '22:00', end: '00:00' });
const EVENING = new Date('2026-11-21T20:00:00Z');
const HOUR = 3600;

describe('how many nights', () => {
  it.each<[string, Window, Date, number[], number | null]>([
    ['one that all of it fits into', TWO_HOURS, EVENING, [600, HOUR, 3000], 1],
    ['a second one for what is too long by a second', TWO_HOURS, EVENING, [600, HOUR, 3001], 2],
    ['preflight again in each of them', TWO_HOURS, EVENING, [600, HOUR, HOUR, 3001], 3],
    ['no turn that is cut in two', TWO_HOURS, EVENING, [600, 4000, 4000, 4000], 3],
    ['none where a turn is longer than any window', TWO_HOURS, EVENING, [600, 8000], null],
    ['not the rest of a window that is too short', TWO_HOURS, new Date('2026-11-21T23:30:00Z'), [600, HOUR], 1],
    ['the rest of a window that is enough', TWO_HOURS, new Date('2026-11-21T22:30:00Z'), [600, HOUR, HOUR], 2],
    ['one where the window never closes', Window.parse({ start: '00:00', end: '00:00' }), EVENING, [600, 9e6], 1],
  ])('%s', (_title, window, now, turns, nights) => {
    expect(nightsFor(window, now, turns)).toBe(nights);
  });
});
