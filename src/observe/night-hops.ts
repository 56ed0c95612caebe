/** Upgrades that the detection has begun, `1.35.8>1.36.4@2026-11-21T23:00:00.000Z`; outlives the runs, and is what counts them. */
export const NIGHT_HOPS = 'night-hops';

/** Nights are a day apart, and no run is longer. */
const NIGHT_HOURS = 12;

export interface NightHop {
  readonly from: string;
  readonly target: string;
  /** When it was begun. */
  readonly at: string;
}

const HOP = /(?<=^| )(\d+\.\d+\.\d+)>(\d+\.\d+\.\d+)@(\d{4}-\d\d-\d\dT[\d:.]+Z)(?= |$)/g;

/** What is not of that form says nothing. */
export function nightHops(text = ''): readonly NightHop[] {
  return [...text.matchAll(HOP)]
    .map(([, from = '', target = '', at = '']) => ({ from, target, at }))
    .filter(({ at }) => !Number.isNaN(Date.parse(at)));
}

/** Those of the night that `now` is in. */
export function hopsOfNight(text: string | undefined, now: number): readonly NightHop[] {
  return nightHops(text).filter(({ at }) => now - Date.parse(at) < NIGHT_HOURS * 3_600_000);
}

/** A run that is begun again is no other hop. */
export function withHop(hops: readonly NightHop[], hop: NightHop): string {
  const all = hops.some(({ target }) => target === hop.target) ? hops : [...hops, hop];
  return all.map(({ from, target, at }) => `${from}>${target}@${at}`).join(' ');
}
