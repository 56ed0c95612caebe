import { formatDuration } from '../age.ts';
import type { Facts } from '../facts/facts.ts';
import { hasTargetVersion } from '../facts/nodes.ts';
import type { StagingFact } from '../facts/staging.ts';
import { compareVersions } from '../version.ts';
import type { Check } from './check.ts';
import type { Finding } from './finding.ts';
import { isHaltingName } from './firing-alerts.ts';
import type { GateOptions } from './gate-options.ts';
import { unknownFinding } from './unknown-finding.ts';

const NAME = 'promotion';
const DAY_MS = 86_400_000;

type No = Pick<Finding, 'reason' | 'class' | 'message' | 'remedy'>;

/** Staging first: the version has run there, all of it, for so many days, and nothing was red meanwhile. */
export const promotion: Check = {
  name: NAME,
  reads: ['staging'],
  evaluate(facts, { target, options }) {
    if (options.promotion.from === 'nowhere') return [];
    const { staging } = facts;
    if (staging?.known !== true || staging.value === null) {
      const why = staging === undefined || staging.known ? 'it was not asked' : staging.why;
      const remedy =
        'Mend the way to what `promotion` names, or set `promotion.from: nowhere` to go on without staging.';
      return [weighed(unknownFinding(NAME, 'how staging fares', why, remedy), facts, target)];
    }
    const no = whyNot(staging.value, target, options, Date.parse(facts.observedAt));
    return no === undefined ? [] : [weighed({ check: NAME, severity: 'block', ...no }, facts, target)];
  },
};

/** A run that has begun is not left half-way for it: two versions side by side are worse than one that staging doubts. */
function weighed(finding: Finding, { nodes }: Facts, target: string): Finding {
  const isBegun = nodes.known && nodes.value.some((node) => hasTargetVersion(node, target));
  return isBegun ? { ...finding, severity: 'warn' } : finding;
}

function whyNot(
  { source, ran, reds: all }: StagingFact,
  target: string,
  { promotion: { days }, alerts }: GateOptions,
  now: number,
): No | undefined {
  const current = ran.at(-1);
  if (current === undefined || current.to !== null || Date.parse(current.from) > now)
    return {
      reason: 'Unknown',
      class: 'actionable',
      message: `what staging runs now is not known of ${source}${current === undefined ? '' : `: ${current.version} since ${current.from}`}`,
      remedy: 'See what staging has written there, and both clocks; see docs/promotion.md.',
    };
  const own = ran.filter(({ version }) => version === target);
  const newer = ran.findLast(({ version }) => compareVersions(version, target) >= 0);
  if (compareVersions(current.version, target) < 0 && newer !== undefined)
    return {
      reason: 'StagingWentBack',
      class: 'actionable',
      message: `staging went back from ${newer.version} to ${current.version} at ${current.from} (${source})`,
      remedy: `Find out why before ${target} is taken here; leave it out with target.skip.`,
    };
  if (compareVersions(current.version, target) < 0)
    return waiting(`staging has not run ${target} yet: it runs ${current.version} since ${current.from}`, source);
  const reds = all.filter(({ alert, severity }) => alert === null || isHaltingName(alert, severity, alerts));
  const spans = own.map(({ from, to }) => {
    const [begin, end] = [Date.parse(from), to === null ? now : Date.parse(to)];
    const red = reds
      .filter(({ at }) => Date.parse(at) >= begin && Date.parse(at) <= end)
      .toSorted((a, b) => a.at.localeCompare(b.at))
      .at(-1);
    return { begin, end, to, red, clean: end - (red === undefined ? begin : Date.parse(red.at)) };
  });
  const last = spans.at(-1);
  if (last === undefined)
    return {
      ...waiting(`staging has never run ${target}: it has passed over it, and runs ${current.version}`, source),
      class: 'actionable',
      remedy: `Leave ${target} out with target.skip, or upgrade to what staging has run.`,
    };
  if (spans.some(({ clean }) => clean >= days * DAY_MS)) return undefined;
  if (last.red !== undefined)
    return {
      reason: 'StagingRed',
      class: 'actionable',
      message: `staging was red while it ran ${target}: ${last.red.what}, at ${last.red.at} (${source}); ${days} days are counted from there`,
      remedy: 'Clear it in staging; an alert that says nothing about an upgrade goes into alerts.ignore.',
    };
  const so = `staging has run ${target} for ${formatDuration(last.end - last.begin)} of ${days} d`;
  if (last.to !== null)
    return {
      ...waiting(`${so} before it went on to ${current.version}`, source),
      class: 'actionable',
      remedy: `Leave ${target} out with target.skip, or upgrade to what staging has run.`,
    };
  return waiting(`${so}: until ${new Date(last.begin + days * DAY_MS).toISOString()}`, source);
}

function waiting(message: string, source: string): No {
  return {
    reason: 'NotPromoted',
    class: 'waiting',
    message: `${message} (${source})`,
    remedy:
      'Nothing: it is looked at again every night. At once: lower promotion.days, or set promotion.from: nowhere.',
  };
}
