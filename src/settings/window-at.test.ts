import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WEEKDAYS, Window } from './window.ts';
import { isInside, sayWindow, windowAt } from './window-at.ts';

const windowOf = (fields: Partial<Record<keyof Window, unknown>> = {}): Window =>
  Window.parse({ start: '23:00', end: '05:00', ...fields });
const ends = (window: Window, now: string): string | null => {
  const state = windowAt(window, new Date(now));
  if (!state.open) throw new Error(state.why);
  return state.ends?.toISOString() ?? null;
};
const opens = (window: Window, now: string): string | null => {
  const state = windowAt(window, new Date(now));
  if (state.open) throw new Error('it is open');
  return state.opens?.toISOString() ?? null;
};

describe('a window', () => {
  it.each([
    ['23:00', '05:00', '22:59', false],
    ['23:00', '05:00', '23:00', true],
    ['23:00', '05:00', '00:00', true],
    ['23:00', '05:00', '04:59', true],
    ['23:00', '05:00', '05:00', false],
    ['23:00', '05:00', '12:00', false],
    ['01:00', '05:00', '00:59', false],
    ['01:00', '05:00', '01:00', true],
    ['01:00', '05:00', '05:00', false],
    ['05:00', '05:00', '05:00', true],
    ['05:00', '05:00', '04:59', true],
  ])('%s to %s at %s: %s', (start, end, time, expected) => {
    expect(isInside(windowOf({ start, end }), new Date(`2026-11-20T${time}:00Z`))).toBe(expected);
  });

  it.each([
    ['of every whole day never ends', {}, null],
    ['of the whole day ends where a day is left out', { weekdays: ['Friday', 'Saturday'] }, '2026-11-22T05:00:00.000Z'],
    [
      'ends at midnight before a blackout',
      { blackouts: [{ from: '2026-11-22', reason: 'sale' }] },
      '2026-11-22T00:00:00.000Z',
    ],
  ])('%s', (_title, fields, expected) => {
    expect(ends(windowOf({ start: '05:00', end: '05:00', ...fields }), '2026-11-20T12:00:00Z')).toBe(expected);
  });
});

// 2026-11-20 is a Friday.
describe('weekdays', () => {
  const thursdays = windowOf({ weekdays: ['Monday', 'Thursday'] });

  it.each([
    ['2026-11-19T23:30:00Z', true],
    ['2026-11-20T04:59:00Z', true],
    ['2026-11-20T23:30:00Z', false],
    ['2026-11-21T02:00:00Z', false],
  ])('what spans midnight belongs to the day on which it began: %s, %s', (now, expected) => {
    expect(isInside(thursdays, new Date(now))).toBe(expected);
  });

  it('says the day and when it opens', () => {
    expect(sayWindow(thursdays, new Date('2026-11-21T02:00:00Z'))).toBe(
      'closed (it is Sat 2026-11-21 02:00 UTC, and the window does not begin on a Friday); it opens Mon 2026-11-23 23:00 UTC',
    );
  });

  it('are those of the zone', () => {
    const window = windowOf({ start: '01:00', weekdays: ['Friday'], timeZone: 'Asia/Tokyo' });
    expect(isInside(window, new Date('2026-11-19T17:00:00Z'))).toBe(true);
    expect(isInside(window, new Date('2026-11-20T17:00:00Z'))).toBe(false);
  });
});

describe('blackouts', () => {
  const christmas = windowOf({ blackouts: [{ from: '2026-12-24', to: '2027-01-01', reason: 'Christmas' }] });

  it.each([
    ['2026-12-23T23:30:00Z', true],
    ['2026-12-24T00:00:00Z', false],
    ['2026-12-31T23:30:00Z', false],
    ['2027-01-01T23:30:00Z', false],
    ['2027-01-02T04:00:00Z', false],
    ['2027-01-02T23:00:00Z', true],
  ])('from midnight to the end of the last night: at %s %s', (now, expected) => {
    expect(isInside(christmas, new Date(now))).toBe(expected);
  });

  it('say their reason, and end the night before at midnight', () => {
    expect(ends(christmas, '2026-12-23T23:30:00Z')).toBe('2026-12-24T00:00:00.000Z');
    expect(sayWindow(christmas, new Date('2026-12-24T02:00:00Z'))).toBe(
      'closed (it is Thu 2026-12-24 02:00 UTC, and 2026-12-24 to 2027-01-01 are left out: Christmas); it opens Sat 2027-01-02 23:00 UTC',
    );
  });

  it.each([
    ['a leap day', '2028-02-29', '2028-02-28T12:00:00Z', '2028-02-28T23:00:00.000Z', '2028-03-01T23:00:00.000Z'],
    ["a year's end", '2026-12-31', '2026-12-30T12:00:00Z', '2026-12-30T23:00:00.000Z', '2027-01-01T23:00:00.000Z'],
  ])('%s', (_title, from, now, before, after) => {
    const window = windowOf({ blackouts: [{ from, reason: 'x' }] });
    expect(opens(window, now)).toBe(before);
    expect(opens(window, `${from}T12:00:00Z`)).toBe(after);
  });

  it('that never end are said', () => {
    const never = windowOf({ blackouts: [{ from: '2026-01-01', to: '2099-12-31', reason: 'frozen' }] });
    expect(sayWindow(never, new Date('2026-11-20T12:00:00Z'))).toContain('it does not open within a year');
  });
});

describe('changes of clocks', () => {
  it.each([
    // Berlin, 29 March 2026: 02:00 becomes 03:00; 25 October: 03:00 becomes 02:00.
    ['Europe/Berlin', '23:00', '05:00', '2026-03-28T12:00:00Z', '2026-03-28T22:00:00Z', '2026-03-29T03:00:00Z'],
    ['Europe/Berlin', '02:30', '05:00', '2026-03-28T12:00:00Z', '2026-03-29T01:00:00Z', '2026-03-29T03:00:00Z'],
    ['Europe/Berlin', '01:00', '02:30', '2026-03-28T12:00:00Z', '2026-03-29T00:00:00Z', '2026-03-29T01:00:00Z'],
    ['Europe/Berlin', '23:00', '05:00', '2026-10-24T12:00:00Z', '2026-10-24T21:00:00Z', '2026-10-25T04:00:00Z'],
    ['Europe/Berlin', '02:30', '05:00', '2026-10-24T12:00:00Z', '2026-10-25T00:30:00Z', '2026-10-25T04:00:00Z'],
    ['Europe/Berlin', '01:00', '02:30', '2026-10-24T12:00:00Z', '2026-10-24T23:00:00Z', '2026-10-25T00:30:00Z'],
    // New York, 8 March 2026 and 1 November.
    ['America/New_York', '23:00', '05:00', '2026-03-07T18:00:00Z', '2026-03-08T04:00:00Z', '2026-03-08T09:00:00Z'],
    ['America/New_York', '02:30', '05:00', '2026-03-07T18:00:00Z', '2026-03-08T07:00:00Z', '2026-03-08T09:00:00Z'],
    ['America/New_York', '23:00', '05:00', '2026-10-31T18:00:00Z', '2026-11-01T03:00:00Z', '2026-11-01T10:00:00Z'],
    ['America/New_York', '01:30', '05:00', '2026-10-31T18:00:00Z', '2026-11-01T05:30:00Z', '2026-11-01T10:00:00Z'],
    // Half an hour, at midnight, and a zone that left a whole day out.
    ['Australia/Lord_Howe', '02:15', '04:00', '2026-10-03T00:00:00Z', '2026-10-03T15:30:00Z', '2026-10-03T17:00:00Z'],
    ['Asia/Beirut', '00:30', '04:00', '2026-03-28T12:00:00Z', '2026-03-28T22:00:00Z', '2026-03-29T01:00:00Z'],
  ])('%s, %s to %s', (timeZone, start, end, now, begins, over) => {
    const window = windowOf({ start, end, timeZone });
    expect(opens(window, now)).toBe(new Date(begins).toISOString());
    expect(ends(window, begins)).toBe(new Date(over).toISOString());
    expect(isInside(window, new Date(Date.parse(begins) - 1))).toBe(false);
    expect(isInside(window, new Date(over))).toBe(false);
  });

  it('leave nothing of a window that is wholly in the hour that does not exist', () => {
    const window = windowOf({ start: '02:15', end: '02:45', timeZone: 'Europe/Berlin' });
    expect(opens(window, '2026-03-28T12:00:00Z')).toBe('2026-03-30T00:15:00.000Z');
  });
});

it('never throws, and what it calls the next opening is one', () => {
  const time = fc
    .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
    .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'));
  const day = fc
    .date({ min: new Date('1975-01-01T00:00:00Z'), max: new Date('2090-01-01T00:00:00Z'), noInvalidDate: true })
    .map((at) => at.toISOString().slice(0, 10));
  const window = fc.record({
    start: time,
    end: time,
    weekdays: fc.subarray([...WEEKDAYS], { minLength: 1 }),
    blackouts: fc.array(
      fc.tuple(day, day).map(([from, to]) => ({ from, to, reason: 'x' })),
      { maxLength: 3 },
    ),
    timeZone: fc.constantFrom('UTC', ...Intl.supportedValuesOf('timeZone')),
  });
  fc.assert(
    fc.property(window, fc.date(), (given, now) => {
      const state = windowAt(given, now);
      expect(isInside(given, now)).toBe(state.open);
      if (state.open && state.ends !== null) expect(state.ends > now).toBe(true);
      if (!state.open && state.opens !== null) {
        expect(state.opens > now).toBe(true);
        expect(isInside(given, state.opens)).toBe(true);
      }
    }),
    { numRuns: 3000 },
  );
});

describe('a window that is wrong', () => {
  it.each([
    [{ start: '25:00' }, 'give a time of day as HH:MM'],
    [{ timeZone: 'Europe/Berln' }, '"Europe/Berln" is no time zone; did you mean "Europe/Berlin"?'],
    [{ timeZone: '' }, '"" is no time zone'],
    [{ weekdays: ['Monday', 'Firday'] }, '"Firday" is no weekday; did you mean "Friday"?'],
    [{ weekdays: [] }, 'name one day at least'],
    [{ blackouts: [{ from: '2026-12-24', to: '2026-12-23', reason: 'x' }] }, 'the last day is before the first'],
    [{ blackouts: [{ from: '2027-02-29', reason: 'x' }] }, 'give a day that exists'],
    [{ blackouts: [{ from: '2026-12-24' }] }, 'reason'],
  ])('%j', (fields, message) => {
    expect(() => windowOf(fields)).toThrow(message.replaceAll('"', '\\"'));
  });
});
