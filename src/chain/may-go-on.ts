import type { Deps } from '../deps.ts';
import { type KillSwitch, readKillSwitch } from '../observe/kill-switch.ts';
import { known, type Observed } from '../observed.ts';
import type { Settings } from '../settings/settings.ts';
import { Paused } from './outcome.ts';

/** Why a run must not go on now; undefined when it may. An unreadable kill switch counts as engaged (D06). */
export function pauseReason(
  killSwitch: Observed<KillSwitch>,
  window: Settings['window'],
  now: Date,
): string | undefined {
  if (!killSwitch.known) return `the kill switch cannot be read, which counts as engaged: ${killSwitch.why}`;
  if (killSwitch.value.engaged)
    return `the kill switch is engaged${killSwitch.value.reason === '' ? '' : `: ${killSwitch.value.reason}`}`;
  if (window !== null && !isInside(window, now))
    return `it is ${clockTime(now)} UTC, outside the window ${window.start} to ${window.end} UTC`;
  return undefined;
}

/**
 * Why nothing may go on now; undefined when it may. The window is looked at first: while the kill switch has no answer, the
 * night ends all the same. An API server that is away passes through as its error: the callers wait for it.
 */
export async function whyPaused(
  deps: Pick<Deps, 'cluster' | 'settings' | 'clock'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { window } = deps.settings;
  const closed = pauseReason(known({ engaged: false, reason: '' }), window, deps.clock.now());
  return closed ?? pauseReason(await readKillSwitch(deps, signal), window, deps.clock.now());
}

/** @throws Paused, for the reason that `whyPaused` gives. */
export async function mayGoOn(deps: Pick<Deps, 'cluster' | 'settings' | 'clock'>, signal: AbortSignal): Promise<void> {
  const reason = await whyPaused(deps, signal);
  if (reason !== undefined) throw new Paused(reason);
}

/** A window may span midnight; its end is outside. Equal start and end mean the whole day. */
export function isInside(window: { readonly start: string; readonly end: string }, now: Date): boolean {
  const time = clockTime(now);
  if (window.start === window.end) return true;
  return window.start < window.end
    ? time >= window.start && time < window.end
    : time >= window.start || time < window.end;
}

function clockTime(now: Date): string {
  return now.toISOString().slice(11, 16);
}
