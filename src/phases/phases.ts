import type { Phase } from '../chain/phase.ts';
import type { PhaseName } from '../chain/step.ts';
import { master } from './master.ts';
import { postflight } from './postflight.ts';
import { preflight } from './preflight.ts';
import { worker } from './worker.ts';

const PHASE: Readonly<Record<PhaseName, Phase>> = { preflight, master, worker, postflight };

export function phaseOf(name: PhaseName): Phase {
  return PHASE[name];
}
