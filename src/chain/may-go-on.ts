import type { Deps } from '../deps.ts';
import { type KillSwitch, readKillSwitch } from '../observe/kill-switch.ts';
import { known, type Observed } from '../observed.ts';
import type { Settings } from '../settings/settings.ts';
import { sayOpening, windowAt } from '../settings/window-at.ts';
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
  if (window === null) return undefined;
  const state = windowAt(window, now);
  return state.open ? undefined : `${state.why}; ${sayOpening(state.opens, window)}`;
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
