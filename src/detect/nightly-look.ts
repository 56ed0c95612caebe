import { composeEvent } from '../chain/compose-event.ts';
import type { Deps } from '../deps.ts';
import { reasonOf } from '../errors.ts';
import type { LastLook } from '../facts/last-look.ts';
import type { Finding } from '../gate/finding.ts';
import { announce } from '../notify/announce.ts';
import { STATE } from '../observe/first-seen.ts';
import { LAST_LOOK, readLastLook } from '../observe/last-look.ts';
import { type Detection, detect } from './detect.ts';

/** The detection, and the record of what it came to, by which the report goes. */
export async function nightlyLook(deps: Deps, signal: AbortSignal): Promise<Detection> {
  try {
    const detection = await detect(deps, signal);
    // What cannot be read is none, and something in the way is rather said once more than not at all.
    const before = detection.kind === 'refused' ? await readLastLook(deps, signal).catch(() => null) : null;
    // First the record: a try that comes after this one does not say it again.
    await record(deps, lookOf(detection), signal);
    if (deps.settings.sayNewBlocksAtOnce && isNewBlock(detection, before)) {
      const { target, verdict, findings } = detection;
      const event = {
        kind: 'refused',
        step: { phase: 'preflight' },
        target,
        verdict,
        findings,
        takenBack: [],
      } as const;
      await announce(deps, composeEvent(event), signal);
    }
    return detection;
  } catch (error) {
    await record(deps, { ...NOTHING, outcome: 'failed', reason: reasonOf(error) }, signal);
    throw error;
  }
}

type Refusal = Extract<Detection, { kind: 'refused' }>;

/** Something blocks that somebody can act on, and the night before was not refused for it. */
export function isNewBlock(detection: Detection, before: LastLook | null): detection is Refusal {
  if (detection.kind !== 'refused') return false;
  const actionable = detection.findings.filter((finding) => finding.class === 'actionable').map(nameOf);
  const known = before?.target === detection.target ? before.findings : [];
  return actionable.some((name) => !known.includes(name));
}

function nameOf({ check, reason }: Finding): string {
  return `${check}/${reason}`;
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
      return { ...look, target, verdict, findings: [...new Set(findings.map(nameOf))].toSorted() };
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
