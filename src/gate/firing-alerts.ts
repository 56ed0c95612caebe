import { NightliftError, reasonOf } from '../errors.ts';
import type { AlertFact } from '../facts/facts.ts';
import type { Check } from './check.ts';
import type { GateOptions } from './gate-options.ts';
import { unknownFinding } from './unknown-finding.ts';

const NAME = 'firing-alerts';

/** They fire always, or only mute others. */
const NEVER_NEWS: ReadonlySet<string> = new Set(['Watchdog', 'InfoInhibitor']);

/** The chain's own alerts would block the chain for ever (I21). */
const ALWAYS_IGNORED = new Set([
  'K8sVersionSkew',
  'EtcdPreUpgradeSnapshotMissing',
  'K8sUpgradeStalled',
  'K8sUpgradeChainJobFailed',
  'K8sUpgradeBlocked',
  'K8sUpgradeInProgress',
  'K8sVersionCheckMissing',
  ...NEVER_NEWS,
]);

/** Halt-on-alert: nothing critical may be firing. Silence because nobody could be asked is not health (D01). */
export const firingAlerts: Check = {
  name: NAME,
  reads: ['alerts'],
  evaluate(facts, { options }) {
    const { alerts } = options;
    if (!facts.alerts.known) {
      const finding = unknownFinding(
        NAME,
        'the firing alerts',
        facts.alerts.why,
        'Mend the way to Prometheus (`alerts.prometheusUrl`), or what it scrapes, or its rules; or set `alerts.required: false` to go on without.',
      );
      return [alerts.required ? finding : { ...finding, severity: 'warn' }];
    }
    return haltingAlerts(facts.alerts.value, alerts).map((alert) => ({
      check: NAME,
      reason: 'AlertFiring',
      class: 'actionable',
      severity: 'block',
      message: `alert ${describeAlert(alert)} is firing, and none of severity ${alerts.severities.join(' or ')} may be`,
      remedy: `Clear it, or add its name to \`alerts.ignore\` when it says nothing about an upgrade.`,
    }));
  },
};

/** Those of the alerts that halt an upgrade. @throws NightliftError (config) for a regular expression that is none. */
export function haltingAlerts(
  alerts: readonly AlertFact[],
  options: Omit<GateOptions['alerts'], 'required'>,
): readonly AlertFact[] {
  const ignored = options.ignore.map((pattern) => anchored(pattern));
  return alerts.filter((alert) => {
    if (alert.state !== 'firing' || !options.severities.includes(alert.severity)) return false;
    if (ALWAYS_IGNORED.has(alert.name)) return false;
    if (options.duringRun && options.selfInflicted.includes(alert.name)) return false;
    return !ignored.some((pattern) => pattern.test(alert.name));
  });
}

/** Of an alert of staging, whose own upgrades are what is looked at: those of its chain count, a failed Job too. */
export function isHaltingName(
  name: string,
  severity: string,
  { severities, ignore }: Pick<GateOptions['alerts'], 'severities' | 'ignore'>,
): boolean {
  if (name !== 'K8sUpgradeChainJobFailed' && !severities.includes(severity)) return false;
  return !NEVER_NEWS.has(name) && !ignore.some((pattern) => anchored(pattern).test(name));
}

/** 'KubeNodeNotReady (critical, node=worker-1, since …): summary'. */
export function describeAlert(alert: AlertFact): string {
  const place = ['node', 'instance', 'namespace', 'pod']
    .flatMap((label) => (alert.labels[label] === undefined ? [] : [`${label}=${alert.labels[label]}`]))
    .slice(0, 2);
  const since = alert.activeSince === null ? [] : [`since ${alert.activeSince}`];
  const summary = alert.summary === '' ? '' : `: ${alert.summary}`;
  return `${alert.name} (${[alert.severity, ...place, ...since].join(', ')})${summary}`;
}

function anchored(pattern: string): RegExp {
  try {
    return new RegExp(`^(?:${pattern})$`);
  } catch (error) {
    throw new NightliftError(
      'config',
      `reading alerts.ignore: "${pattern}" is not a regular expression: ${reasonOf(error)}`,
      {
        remedy: 'Mend it in the settings: a plain alert name is a valid expression.',
      },
    );
  }
}
