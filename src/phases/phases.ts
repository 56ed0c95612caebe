import { master } from './master.ts';
import type { Phase } from './phase.ts';
import { postflight } from './postflight.ts';
import { preflight } from './preflight.ts';
import type { PhaseName } from './step.ts';
import { worker } from './worker.ts';

const PHASE: Readonly<Record<PhaseName, Phase>> = { preflight, master, worker, postflight };

export function phaseOf(name: PhaseName): Phase {
  return PHASE[name];
}
