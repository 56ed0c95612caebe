import type { Window } from './window.ts';
import { windowAt } from './window-at.ts';

/**
 * Into how many windows from now on these turns fit, each into one; the first of them comes first in every night.
 * Null: one of them fits into no window, or it does not open any more. Pure.
 */
export function nightsFor(window: Window, now: Date, turns: readonly number[]): number | null {
  const [before = 0, ...others] = turns;
  const left = others.toReversed();
  let at = now;
  for (let nights = 0; ; ) {
    const state = windowAt(window, at);
    if (!state.open) {
      if (state.opens === null) return null;
      at = state.opens;
      continue;
    }
    if (state.ends === null) return nights + 1;
    let seconds = (state.ends.getTime() - at.getTime()) / 1000 - before;
    const due = left.length;
    for (let next = left.at(-1); next !== undefined && next <= seconds; next = left.at(-1)) {
      seconds -= next;
      left.pop();
    }
    if (left.length < due) nights += 1;
    // The rest of a window that is open already may be too short for what a whole one takes.
    else if (at !== now) return null;
    if (left.length === 0) return nights;
    at = state.ends;
  }
}
