import type { Deps } from '../deps.ts';
import { reasonOf } from '../errors.ts';
import type { LastLook } from '../facts/last-look.ts';
import { STATE } from '../observe/first-seen.ts';
import { LAST_LOOK } from '../observe/last-look.ts';
import { type Detection, detect } from './detect.ts';

/** The detection, and the record of what it came to, by which the report goes. */
export async function nightlyLook(deps: Deps, signal: AbortSignal): Promise<Detection> {
  try {
    const detection = await detect(deps, signal);
    await record(deps, lookOf(detection), signal);
    return detection;
  } catch (error) {
    await record(deps, { ...NOTHING, outcome: 'failed', reason: reasonOf(error) }, signal);
    throw error;
  }
}

type Look = Omit<LastLook, 'at'>;

const NOTHING = { target: null, reason: '', verdict: null, findings: [] };
/** The log has the whole text. */
const LONGEST_REASON = 500;

export function lookOf(detection: Detection): Look {
  const look = { ...NOTHING, outcome: detection.kind };
  switch (detection.kind) {
    case 'paused':
    case 'unknown':
    case 'nothing':
      return { ...look, reason: detection.reason };
    case 'refused': {
      const { target, verdict, findings } = detection;
      const names = findings.map(({ check, reason }) => `${check}/${reason}`);
      return { ...look, target, verdict, findings: [...new Set(names)].toSorted() };
    }
    default:
      return { ...look, target: detection.target };
  }
}

/** Never changes how the look ends. */
async function record({ cluster, clock, log, settings }: Deps, look: Look, signal: AbortSignal): Promise<void> {
  const { reason } = look;
  const short = reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON)}…` : reason;
  const kept: LastLook = { at: clock.now().toISOString(), ...look, reason: short };
  try {
    await cluster.writeConfigMap(settings.namespace, STATE, { [LAST_LOOK]: JSON.stringify(kept) }, signal);
  } catch (error) {
    log.warn('what the look came to could not be recorded', { error: reasonOf(error) });
  }
}
