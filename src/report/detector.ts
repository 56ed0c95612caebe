import type { Facts } from '../facts/facts.ts';
import type { LastLook } from '../facts/last-look.ts';
import { known, type Observed, unknown } from '../observed.ts';
import { newestVersion, parseVersion } from '../version.ts';

/** What the detector found; `target` null = nothing newer. */
export interface Detected {
  readonly kind: string;
  readonly target: string | null;
}

export interface DetectorState {
  readonly ageMs: Observed<number>;
  /** False also when the age is unknown. */
  readonly fresh: boolean;
  readonly detected: Observed<Detected>;
  /** Its own record; undefined where it has left none, and its gauges speak. */
  readonly look?: LastLook;
}

/** Clocks of nodes differ a little; a last run further in the future is no last run. */
const CLOCK_SKEW_MS = 300_000;

export function detectorState(facts: Facts, staleHours: number): DetectorState {
  const look = lookIn(facts);
  const ageMs = look === undefined ? lastRunAge(facts) : ageOf(facts, Date.parse(look.at), look.at);
  return {
    ageMs,
    fresh: ageMs.known && ageMs.value <= staleHours * 3_600_000,
    detected: detectedTarget(facts),
    ...(look === undefined ? {} : { look }),
  };
}

/** The detector's record goes before its gauges: those are for alerts, and not every cluster has a Pushgateway. */
function lookIn({ lastLook }: Facts): LastLook | undefined {
  return lastLook?.known === true ? (lastLook.value ?? undefined) : undefined;
}

export function detectedTarget(facts: Facts): Observed<Detected> {
  const look = lookIn(facts);
  if (look === undefined) return detectedByGauge(facts);
  const { outcome, target, reason } = look;
  if (outcome === 'nothing') return known({ kind: 'none', target: null });
  if (target !== null) {
    // The record has no kind; where the gauge is of the same look, it has one.
    const gauge = detectedByGauge(facts);
    return known({ kind: gauge.known && gauge.value.target === target ? gauge.value.kind : '', target });
  }
  const ended = outcome === 'paused' ? 'was paused' : outcome === 'failed' ? 'failed' : 'found nothing out';
  return unknown(`the last look ${ended}: ${reason}`);
}

/** Of several series of one name, which other groups have left, the highest: what was said last, or what is set. undefined for none. */
export function gaugeValue(facts: Facts, name: string): Observed<number | undefined> {
  if (!facts.gauges.known) return facts.gauges;
  const values = facts.gauges.value.filter((gauge) => gauge.name === name).map(({ value }) => value);
  const finite = values.filter((value) => Number.isFinite(value));
  return known(finite.length === 0 ? values[0] : Math.max(...finite));
}

function lastRunAge(facts: Facts): Observed<number> {
  const seconds = gaugeValue(facts, 'k8s_version_check_last_run_timestamp');
  if (!seconds.known) return unknown(`the Pushgateway could not be read: ${seconds.why}`);
  if (seconds.value === undefined) return unknown('the Pushgateway has no last run of it');
  return ageOf(facts, seconds.value * 1000, String(seconds.value));
}

function ageOf({ observedAt }: Facts, at: number, said: string): Observed<number> {
  const age = Date.parse(observedAt) - at;
  if (!Number.isFinite(age) || age < -CLOCK_SKEW_MS) return unknown(`the last run, ${said}, is not a time in the past`);
  return known(Math.max(0, age));
}

function detectedByGauge(facts: Facts): Observed<Detected> {
  if (!facts.gauges.known) return unknown(`the Pushgateway could not be read: ${facts.gauges.why}`);
  const series = facts.gauges.value.filter((gauge) => gauge.name === 'k8s_upgrade_available');
  const found = series.flatMap((gauge) => {
    const target = gauge.value === 1 ? parseVersion(gauge.labels['target'] ?? '') : undefined;
    return target === undefined ? [] : [{ kind: gauge.labels['kind'] ?? '', target }];
  });
  const newest = newestVersion(found.map(({ target }) => target));
  const detected = found.find(({ target }) => target === newest);
  if (detected !== undefined) return known(detected);
  if (series.some((gauge) => gauge.value === 0)) return known({ kind: 'none', target: null });
  return unknown('the Pushgateway has no result of the detector');
}
