import { chooseTarget } from '../detect/choose-target.ts';
import { readEnvironment } from '../environment.ts';
import { NightliftError } from '../errors.ts';
import type { FactPart } from '../facts/facts.ts';
import { gateChecks } from '../gate/checks.ts';
import { evaluateGate } from '../gate/evaluate-gate.ts';
import type { Log } from '../log.ts';
import { announce } from '../notify/announce.ts';
import { bold, slackMessage } from '../notify/slack-message.ts';
import { observe } from '../observe/observe.ts';
import { composeReport, NOT_LOOKED, plainReport, reportTarget } from '../report/compose-report.ts';
import { Settings } from '../settings/settings.ts';
import { lazyNotifier } from '../wire/on-demand.ts';
import { type Call, EXIT, flag, text } from './call/command.ts';
import { isJob, withJobSession } from './call/session.ts';
import { type Question, questionOf, withQuestion } from './gate.ts';

/**
 * What the Job reads: its account has no key for the nodes and asks no package source, which is the detector's
 * business; what that found stands in its record.
 */
const REPORT_FACTS: readonly FactPart[] = [
  'nodes',
  'killSwitch',
  'run',
  'workloads',
  'deprecatedApis',
  'apiServerMetrics',
  'chainJobs',
  'gauges',
  'limits',
  'lastLook',
  'inventory',
  'otherNodes',
];

function compose({ facts, settings, options, limits }: Question, looked: boolean) {
  const choice = looked ? chooseTarget(facts, settings.target) : NOT_LOOKED;
  const target = reportTarget(facts, choice);
  const gate = target === null ? null : evaluateGate(facts, target, gateChecks, options);
  return composeReport(
    facts,
    { choice, gate },
    { namespace: settings.namespace, ...(limits === undefined ? {} : { limits }) },
  );
}

export async function run(call: Call): Promise<number> {
  if (flag(call, 'dry-run') || (!isJob(call) && text(call, 'facts') === undefined)) {
    if (!flag(call, 'dry-run')) call.output.note('Printed, and not sent: this is no pod of the cluster.');
    return await withQuestion(call, async (question) => {
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
      const facts = await observe(deps, REPORT_FACTS, call.signal);
      const report = compose({ facts, ...questionOf(deps) }, false);
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
