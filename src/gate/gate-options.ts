import type { Deps } from '../deps.ts';
import type { DrainPolicy } from '../settings/drain.ts';
import { matrixName } from '../settings/parse-settings.ts';
import type { Settings } from '../settings/settings.ts';
import { type AddonMatrix, addonMatrix } from './addon-matrix.ts';
import { type DrainRule, drainRule } from './drain-rule.ts';

/** What the checks take from the settings, a group for each check that takes something. */
export interface GateOptions {
  /** The setting of this name. */
  readonly acceptedRisks: Settings['acceptedRisks'];
  readonly addons: {
    readonly matrix: AddonMatrix;
    /** What becomes of an addon whose maker only tests up to an older minor, without calling newer ones unsupported. */
    readonly untested: 'block' | 'warn';
  };
  readonly runtime: {
    /** The setting `containerd.raise`: a control plane that is behind the workers is raised during its own step. */
    readonly raiseControlPlane: boolean;
  };
  /** The settings group `alerts`, and where in a run the question is asked. */
  readonly alerts: {
    readonly severities: readonly string[];
    /** Anchored regular expressions for alert names. */
    readonly ignore: readonly string[];
    /** Names of alerts that a run causes itself. */
    readonly selfInflicted: readonly string[];
    /** False lets a cluster without Prometheus through, with a warning. */
    readonly required: boolean;
    readonly duringRun: boolean;
  };
  readonly quiet: {
    /** No node may have changed its condition Ready within this time. */
    readonly settleSeconds: number;
  };
  readonly budgets: {
    /** The setting `budgets`. */
    readonly severity: 'warn' | 'block';
    /** The setting `drain.policies`. */
    readonly policies: readonly DrainPolicy[];
  };
  /** Which nodes a run drains. */
  readonly drain: DrainRule;
  /** The setting `rollout`: in which order workers have their turn. */
  readonly rollout: Settings['rollout'];
  /** The settings group `promotion`. */
  readonly promotion: Pick<Settings['promotion'], 'from' | 'days'>;
  readonly stuckPods: {
    /** The setting `drain.stuckPods`. */
    readonly severity: 'warn' | 'block';
  };
  /** Of the settings groups of these names, what the checks of the survey take. */
  readonly packages: Pick<Settings['packages'], 'baseUrl' | 'lockTimeoutSeconds' | 'freeMegabytes'>;
  readonly kubeadm: Pick<Settings['kubeadm'], 'ignorePreflightErrors' | 'patchesDirectory'>;
  readonly snapshot: Pick<Settings['snapshot'], 'required' | 'cronJob'>;
}

/** `duringRun` is false before the first change of a run. */
export function alertOptions({ settings }: Pick<Deps, 'settings'>, duringRun = false): GateOptions['alerts'] {
  return { ...settings.alerts, duringRun };
}

/** The parts of the settings that the checks take, before the first change of a run. */
export function gateOptions(deps: Pick<Deps, 'settings' | 'addonMatrix'>): GateOptions {
  const { settings } = deps;
  return {
    acceptedRisks: settings.acceptedRisks,
    addons: { matrix: addonMatrix(deps.addonMatrix(), matrixName(settings)), untested: settings.addons.untested },
    runtime: { raiseControlPlane: settings.containerd.raise },
    alerts: alertOptions(deps),
    quiet: { settleSeconds: settings.waits.settleSeconds },
    budgets: { severity: settings.budgets, policies: settings.drain.policies },
    drain: drainRule(settings),
    rollout: settings.rollout,
    stuckPods: { severity: settings.drain.stuckPods === 'warn' ? 'warn' : 'block' },
    promotion: settings.promotion,
    packages: settings.packages,
    kubeadm: settings.kubeadm,
    snapshot: settings.snapshot,
  };
}
