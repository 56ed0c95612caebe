import { formatDuration } from '../age.ts';
import type { Finding } from '../gate/finding.ts';
import { findingSections } from '../gate/finding-sections.ts';
import { bold, type Section, type SlackMessage, slackMessage } from '../notify/slack-message.ts';
import { someOf } from '../some-of.ts';
import { type Step, stepName } from './step.ts';

/** Something that a phase had begun before it stopped, and put back as it was, if it could. */
export interface TakenBack {
  readonly what: string;
  readonly failed: boolean;
}

/** What is said at once, while it happens. */
export type UpgradeEvent =
  | {
      readonly kind: 'refused';
      readonly step: Step;
      readonly target: string;
      readonly verdict: 'blocked' | 'held';
      readonly findings: readonly Finding[];
      readonly takenBack: readonly TakenBack[];
    }
  | { readonly kind: 'halted'; readonly step: Step; readonly target: string; readonly alerts: readonly string[] }
  | {
      readonly kind: 'failed';
      readonly step: Step;
      readonly target: string;
      readonly error: string;
      readonly remedy?: string | undefined;
      /** What ran on the node, where the failure is one of a command. */
      readonly command?: string | undefined;
      readonly exitCode?: number | undefined;
    }
  | { readonly kind: 'paused'; readonly step: Step; readonly target: string; readonly reason: string }
  | {
      readonly kind: 'partly';
      readonly target: string;
      readonly failed: readonly { readonly node: string; readonly why: string }[];
      /** Workers that were not begun with. */
      readonly untried: readonly string[];
      /** Why these were not. */
      readonly stopped: string | undefined;
    }
  | { readonly kind: 'restarted'; readonly target: string; readonly job: string }
  | {
      readonly kind: 'complete';
      readonly target: string;
      readonly nodes: number;
      readonly from?: string | undefined;
      readonly seconds?: number | undefined;
      /** Pods that are not ready and were not before the run. */
      readonly brokenBefore?: readonly string[];
      /** In all of the run. */
      readonly apiAwaySeconds?: number | null;
      readonly apiAwayAtLeast?: boolean | undefined;
      /** What has changed beside the upgrade. */
      readonly otherChanges?: readonly string[];
    };

export function composeEvent(event: UpgradeEvent): SlackMessage {
  const [headline, ...sections] = sectionsOf(event);
  return slackMessage([[[bold(headline)]], ...sections], "the Job's log has all of it");
}

function sectionsOf(event: UpgradeEvent): readonly [string, ...Section[]] {
  switch (event.kind) {
    case 'refused': {
      const headline =
        event.verdict === 'blocked'
          ? `🔴 BLOCKED (action needed) — ${event.target}`
          : `⏸️ HELD — ${event.target} not yet upgradable`;
      return [headline, [whatWasChanged(event)], ...findingSections(event.findings)];
    }
    case 'halted':
      return [
        `🔴 HALTED — ${stepName(event.step)} for ${event.target}: alerts are firing`,
        event.alerts.map((alert) => `• ${alert}`),
        ['Clear them, or add their names to alerts.ignore; the next run goes on from there.'],
      ];
    case 'failed':
      return [
        `🔴 FAILED — ${stepName(event.step)} for ${event.target}`,
        [event.error, ...commandOf(event)],
        [
          `What to do: ${event.remedy ?? "read the Job's log, mend the cause, then start the detection again or wait for the night."}`,
        ],
      ];
    case 'paused':
      return [
        `🛑 PAUSED — ${stepName(event.step)} for ${event.target}`,
        [
          `${event.reason}.`,
          '`nightlift status` shows where it stands; the next run after `nightlift resume` goes on from there.',
        ],
      ];
    case 'partly': {
      const { failed, untried, stopped } = event;
      return [
        `🟠 PARTLY DONE — ${event.target}`,
        failed.map(({ node, why }) => `• ${node} was not upgraded: ${why}`),
        ...(untried.length === 0
          ? []
          : [[`Not begun with: ${someOf(untried)}${stopped === undefined ? '' : `; ${stopped}`}.`]]),
        [
          `Nodes that are on ${event.target} stay on it; the cluster was not looked at as a whole. The next night tries the others again; sooner: start the detection.`,
        ],
      ];
    }
    case 'restarted':
      return [
        `🔁 STARTED AGAIN — ${event.target}`,
        [
          `The Job ${event.job} had failed. It was deleted with its pods, and a new one goes on from where the cluster is.`,
        ],
      ];
    case 'complete': {
      const from = event.from === undefined || event.from === event.target ? '' : ` from ${event.from}`;
      const time = event.seconds === undefined ? '' : ` in ${formatDuration(event.seconds * 1000)}`;
      const { brokenBefore = [], otherChanges = [] } = event;
      const broken =
        brokenBefore.length === 0 ? [] : [[`Not ready, and not before it either: ${someOf(brokenBefore)}.`]];
      return [
        '✅ K8s upgrade complete',
        [`All ${event.nodes} nodes went${from} to ${event.target}${time}.${awayText(event)}`],
        ...broken,
        ...(otherChanges.length === 0
          ? []
          : [['Changed meanwhile, and not by the upgrade:', ...otherChanges.map((change) => `• ${change}`)]]),
      ];
    }
  }
}

function awayText({ apiAwaySeconds: seconds, apiAwayAtLeast }: Extract<UpgradeEvent, { kind: 'complete' }>): string {
  if (seconds === null || seconds === undefined) return '';
  return ` The API server was away for ${apiAwayAtLeast === true ? 'at least ' : ''}${formatDuration(seconds * 1000)} of it.`;
}

/** Preflight refuses before the first change; a later step says what became of what it had begun, and of the nodes before it. */
function whatWasChanged({ step, target, takenBack }: Extract<UpgradeEvent, { kind: 'refused' }>): string {
  const again = 'It is looked at again every night.';
  if (step.phase === 'preflight') return `Nothing was changed. ${again}`;
  const begun = takenBack.map(({ what, failed }) =>
    failed ? `${what} (that failed; the next Job tries again)` : what,
  );
  const here =
    begun.length === 0
      ? `Refused before ${stepName(step)} changed anything.`
      : `What ${stepName(step)} had begun was taken back: ${begun.join(', ')}.`;
  return `${here} Nodes that are on ${target} stay on it. ${again}`;
}

function commandOf(event: Extract<UpgradeEvent, { kind: 'failed' }>): string[] {
  if (event.command === undefined) return [];
  const node = 'node' in event.step ? ` on ${event.step.node}` : '';
  return [
    `Command${node}: ${event.command}`,
    ...(event.exitCode === undefined ? [] : [`Exit code: ${event.exitCode}`]),
  ];
}
