import { allChecks } from '../chain/checks.ts';
import type { Deps } from '../deps.ts';
import { CHOICE_READS, chooseTarget } from '../detect/choose-target.ts';
import { readEnvironment } from '../environment.ts';
import { NightliftError } from '../errors.ts';
import type { FactPart, Facts } from '../facts/facts.ts';
import type { TargetChoice } from '../facts/target-choice.ts';
import { canAsk, partsFor } from '../gate/checks.ts';
import type { Log } from '../log.ts';
import { announce } from '../notify/announce.ts';
import { bold, slackMessage } from '../notify/slack-message.ts';
import { observe } from '../observe/observe.ts';
import { composeReport, NOT_LOOKED, plainReport, reportTarget } from '../report/compose-report.ts';
import { limitsOf } from '../settings/limits.ts';
import { Settings } from '../settings/settings.ts';
import { lazyNotifier } from '../wire/on-demand.ts';
import { type Call, EXIT, flag, text } from './call/command.ts';
import { isJob, withJobSession } from './call/session.ts';
import { askGate, type Question, questionOf, withQuestion } from './gate.ts';

/**
 * What the Job reads: its account has no key for the nodes and asks no package source, which is the detector's
 * business; what that found stands in its record.
 */
const NIGHT: readonly FactPart[] = [
  'nodes',
  'otherNodes',
  'killSwitch',
  'run',
  'chainJobs',
  'gauges',
  'limits',
  'lastLook',
  'inventory',
];
const GATE = canAsk('report', partsFor(allChecks));

/** A morning without a target has nothing to ask the gate, and reads nothing for it. */
async function factsOfNight(deps: Deps, signal: AbortSignal): Promise<Facts> {
  const night = await observe(deps, NIGHT, signal);
  if (targetToAsk(night, NOT_LOOKED) === null) return night;
  const now = await observe(deps, GATE, signal);
  return { ...night, ...Object.fromEntries(GATE.map((part) => [part, now[part]])) };
}

/** What a run at work does to the cluster is no reason against its beginning. */
function targetToAsk(facts: Facts, choice: TargetChoice): string | null {
  const atWork = facts.chainJobs.known && facts.chainJobs.value.some(({ status }) => status === 'active');
  return atWork ? null : reportTarget(facts, choice);
}

function compose(question: Question, looked: boolean) {
  const { facts, settings, limits } = question;
  const choice = looked ? chooseTarget(facts, settings.target) : NOT_LOOKED;
  const target = targetToAsk(facts, choice);
  const gate = target === null ? null : askGate(question, target);
  return composeReport(
    facts,
    { choice, gate },
    { namespace: settings.namespace, window: settings.window, ...(limits === undefined ? {} : { limits: limits() }) },
  );
}

export async function run(call: Call): Promise<number> {
  if (flag(call, 'dry-run') || (!isJob(call) && text(call, 'facts') === undefined)) {
    if (!flag(call, 'dry-run')) call.output.note('Printed, and not sent: this is no pod of the cluster.');
    return await withQuestion(call, [...NIGHT, ...CHOICE_READS, ...partsFor(allChecks)], async (question) => {
      const report = compose(question, true);
      for (const line of plainReport(report.text).split('\n')) call.output.line(line);
      call.output.json(report);
      return EXIT.done;
    });
  }
  if (text(call, 'facts') !== undefined)
    throw new NightliftError('usage', 'sending a report from a facts file: only --dry-run takes --facts', {
      remedy: 'nightlift report --dry-run --facts FILE',
    });
  return await withJobSession(
    call,
    'report',
    async ({ deps }) => {
      const question = questionOf(deps);
      // A matrix that is lost is told whatever else can be read.
      question.options();
      const facts = await factsOfNight(deps, call.signal);
      const limits = () => limitsOf(deps.settings, deps.addonMatrix());
      const report = compose({ ...question, facts, limits }, false);
      await announce(deps, { text: report.text, blocks: report.blocks }, call.signal);
      call.output.json(report);
      return EXIT.done;
    },
    async (error, log) => {
      if (error.kind === 'config') await tellUnsettled(error, log, call.signal);
    },
  );
}

/** Every Job of the night has ended in the same way, and a morning without a word would look like a quiet one. */
async function tellUnsettled({ message, remedy }: NightliftError, log: Log, signal: AbortSignal): Promise<void> {
  const lines = [message, ...(remedy === undefined ? [] : [`What to do: ${remedy}`])];
  const told = slackMessage(
    [[[bold('🔴 Nightlift does not run: its settings are not in order')]], lines],
    "the Job's log has all of it",
  );
  await announce({ notifier: lazyNotifier(readEnvironment(), Settings.parse({})), log }, told, signal);
}
