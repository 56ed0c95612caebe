import { WEEKDAYS, type Window } from './window.ts';

/** Of a window at one moment. */
export type WindowState =
  /** `ends`: when it does, over windows that follow without a gap; null: not within days. */
  | { readonly open: true; readonly ends: Date | null }
  | { readonly open: false; readonly why: string; readonly opens: Date | null };

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const LAST_MS = Date.UTC(9000, 0);
/** A year of blackouts, and one day of the week after it. */
const MOST_DAYS_AHEAD = 400;
/** Windows without a gap that are looked at; no step of a run takes longer. */
const MOST_DAYS_ON_END = 8;

/** Pure, and never throws: a clock that shows no time is outside. */
export function windowAt(window: Window, now: Date): WindowState {
  // Calendars of other millennia are written otherwise.
  if (!(now.getTime() > 0 && now.getTime() < LAST_MS))
    return { open: false, why: 'the clock shows no time of these centuries', opens: null };
  const today = wallOf(now, window.timeZone).slice(0, 10);
  // What spans midnight belongs to the day on which it began.
  const current = [addDays(today, -1), today].filter((day) => isWithin(spanOf(window, day), now));
  const dark =
    blackoutOn(window, today) ?? current.map((day) => blackoutOn(window, day)).find((one) => one !== undefined);
  const at = `it is ${sayTime(now, window.timeZone)}`;
  const closed = (why: string): WindowState => ({ open: false, why, opens: nextOpening(window, today, now) });
  if (dark !== undefined) return closed(`${at}, and ${sayBlackout(dark)}`);
  const own = current.find((day) => opensOn(window, day));
  if (own !== undefined) return { open: true, ends: endOf(window, own) };
  const [day] = current;
  if (day !== undefined) return closed(`${at}, and the window does not begin on a ${weekdayOf(day)}`);
  const { start, end, timeZone } = window;
  return closed(
    `it is ${wallOf(now, timeZone).slice(11)} ${timeZone}, outside the window ${start} to ${end} ${timeZone}`,
  );
}

export function isInside(window: Window, now: Date): boolean {
  return windowAt(window, now).open;
}

/** `Fri 2026-11-20 23:00 Europe/Berlin` */
export function sayTime(at: Date, timeZone: string): string {
  const wall = wallOf(at, timeZone);
  return `${weekdayOf(wall.slice(0, 10)).slice(0, 3)} ${wall.replace('T', ' ')} ${timeZone}`;
}

/** One line for a person: when something may happen. */
export function sayWindow(window: Window, now: Date): string {
  const state = windowAt(window, now);
  const time = (at: Date): string => sayTime(at, window.timeZone);
  if (state.open) return `open${state.ends === null ? '' : `, until ${time(state.ends)}`}`;
  return `closed (${state.why}); ${sayOpening(state.opens, window)}`;
}

export function sayOpening(opens: Date | null, { timeZone }: Pick<Window, 'timeZone'>): string {
  return opens === null
    ? 'it does not open within a year: see the setting `window`'
    : `it opens ${sayTime(opens, timeZone)}`;
}

interface Span {
  readonly begins: Date;
  readonly ends: Date;
}

function isWithin({ begins, ends }: Span, now: Date): boolean {
  return begins <= now && now < ends;
}

/** Of the window that begins on a day, whether or not it may. */
function spanOf({ start, end, timeZone }: Window, day: string): Span {
  const begins = instantOf(day, start, timeZone);
  return { begins, ends: instantOf(start < end ? day : addDays(day, 1), end, timeZone) };
}

function opensOn(window: Window, day: string): boolean {
  return window.weekdays.includes(weekdayOf(day)) && blackoutOn(window, day) === undefined;
}

/** A blackout begins at midnight, whatever the night before had left. */
function endOf(window: Window, first: string): Date | null {
  let { ends } = spanOf(window, first);
  for (let ahead = 1; ahead <= MOST_DAYS_ON_END; ahead++) {
    const day = addDays(first, ahead);
    if (blackoutOn(window, day) !== undefined) {
      const midnight = instantOf(day, '00:00', window.timeZone);
      return midnight < ends ? midnight : ends;
    }
    const next = spanOf(window, day);
    if (next.begins > ends || !opensOn(window, day)) return ends;
    ends = next.ends;
  }
  return null;
}

function nextOpening(window: Window, today: string, now: Date): Date | null {
  for (let ahead = 0; ahead <= MOST_DAYS_AHEAD; ahead++) {
    const day = addDays(today, ahead);
    if (!opensOn(window, day)) continue;
    const { begins, ends } = spanOf(window, day);
    // Clocks that are put forward can leave nothing of a short one.
    if (begins > now && begins < ends) return begins;
  }
  return null;
}

type Blackout = Window['blackouts'][number];

function blackoutOn({ blackouts }: Window, day: string): Blackout | undefined {
  return blackouts.find(({ from, to }) => from <= day && day <= (to || from));
}

function sayBlackout({ from, to, reason }: Blackout): string {
  return to === '' ? `${from} is left out: ${reason}` : `${from} to ${to} are left out: ${reason}`;
}

function weekdayOf(day: string): (typeof WEEKDAYS)[number] {
  return WEEKDAYS[(new Date(`${day}T00:00Z`).getUTCDay() + 6) % 7] ?? 'Sunday';
}

function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** What the clocks of the zone show, `2026-11-20T23:00`. */
function wallOf(at: Date, timeZone: string): string {
  // Swedish writes a time as ISO does.
  const format =
    formats.get(timeZone) ??
    new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short', hourCycle: 'h23' });
  formats.set(timeZone, format);
  return format.format(at).replace(' ', 'T');
}

/** When clocks of the zone show it: the first time if they do twice; if they never do, when they are put forward. */
function instantOf(day: string, time: string, timeZone: string): Date {
  const wall = `${day}T${time}`;
  // No zone is a day away from UTC: what they show grows between these two, but for an hour that comes twice.
  const about = Date.parse(`${wall}Z`);
  const offset = (ms: number): number => Date.parse(`${wallOf(new Date(ms), timeZone)}Z`) - ms;
  const [before, after] = [about - DAY_MS, about + DAY_MS];
  const found = [about - offset(before), about - offset(after)]
    .toSorted((a, b) => a - b)
    .find((ms) => wallOf(new Date(ms), timeZone) === wall);
  if (found !== undefined) return new Date(found);
  let [low, high] = [before, after];
  while (high - low > MINUTE_MS) {
    const middle = low + Math.floor((high - low) / MINUTE_MS / 2) * MINUTE_MS;
    if (wallOf(new Date(middle), timeZone) < wall) low = middle;
    else high = middle;
  }
  return new Date(high);
}
