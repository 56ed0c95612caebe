import type { Deps } from '../deps.ts';
import { addonMatrix } from './addon-matrix.ts';
import type { GateOptions } from './evaluate-gate.ts';

/** The parts of the settings that the checks take. `duringRun` is false before the first change of a run. */
export function gateOptions(deps: Pick<Deps, 'settings' | 'addonMatrix'>, duringRun = false): GateOptions {
  const { settings } = deps;
  return {
    addons: { matrix: addonMatrix(deps.addonMatrix, settings.addons.matrixFile), untested: settings.addons.untested },
    runtime: { raiseControlPlane: settings.containerd.raise },
    alerts: { ...settings.alerts, duringRun },
    quiet: { settleSeconds: settings.waits.settleSeconds },
    budgets: { severity: settings.budgets, policies: settings.drain.policies },
  };
}
