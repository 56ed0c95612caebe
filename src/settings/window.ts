import { z } from 'zod';
import { clockTime, date, dateOrNone, notes, notOneOf } from './field.ts';

export const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;

const Weekday = z.enum(WEEKDAYS, {
  error: ({ input }) => `${notOneOf('weekday', input, WEEKDAYS)} Known here: ${WEEKDAYS.join(', ')}`,
});

const Blackout = z
  .strictObject({
    from: date.meta(notes('First day, in `window.timeZone`, from midnight on.', { reason: 'A day is a day.' })),
    to: dateOrNone.meta(
      notes('Last day, which is one of them; empty = the one day `from`.', { reason: 'Often it is one.' }),
    ),
    reason: z
      .string()
      .min(1)
      .meta(notes('Why; it is said when a night is left out for it.', { reason: 'Somebody asks in the morning.' })),
  })
  .refine(({ from, to }) => to === '' || to >= from, {
    path: ['to'],
    error: 'the last day is before the first (`from`)',
  });

const timeZone = z.string().superRefine((name, { addIssue }) => {
  if (isTimeZone(name)) return;
  const known = ['UTC', ...Intl.supportedValuesOf('timeZone')];
  addIssue({
    code: 'custom',
    message: `${notOneOf('time zone', name, known)} Give a name of the IANA database, for example Europe/Berlin`,
  });
});

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

export const Window = z.strictObject({
  start: clockTime.meta(
    notes('Start of the window, in `window.timeZone`.', { reason: 'No window by default: the CronJob decides.' }),
  ),
  end: clockTime.meta(
    notes(
      'Hard end of the window: no step starts and every wait ends, and a node that would not be finished by then is not begun (one that is being changed is finished first). Equal to `start` = the whole day.',
      { reason: 'Morning traffic must not meet a drain.' },
    ),
  ),
  weekdays: z
    .array(Weekday)
    .min(1, 'name one day at least; to stop all runs: nightlift pause')
    .default([...WEEKDAYS])
    .meta(
      notes('Days on which a window may begin; what spans midnight belongs to the day on which it began.', {
        reason: 'Who wants no upgrade before the weekend leaves Friday out.',
      }),
    ),
  blackouts: z
    .array(Blackout)
    .default([])
    .meta(
      notes(
        'Days on which nothing may begin and nothing goes on, from midnight to the end of the night of the last one.',
        {
          reason: 'Holidays and days of much traffic are known beforehand.',
        },
      ),
    ),
  timeZone: timeZone
    .default('UTC')
    .meta(
      notes(
        'Time zone of all of these, a name of the IANA database. A time that the clocks leave out is when they are put forward; one that comes twice is the first.',
        { reason: 'UTC knows no daylight saving.' },
      ),
    ),
});

export type Window = z.infer<typeof Window>;
