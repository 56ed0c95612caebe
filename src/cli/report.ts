import { chooseTarget } from '../detect/choose-target.ts';
import { NightliftError } from '../errors.ts';
import { ALL_FACTS, observe } from '../facts/observe.ts';
import { evaluateGate, gateChecks } from '../gate/gate.ts';
import { gateOptions } from '../gate/gate-options.ts';
import { announce } from '../notify/announce.ts';
import { composeReport, plainReport, reportTarget } from '../report/compose-report.ts';
import { type Call, EXIT, flag, text } from './command.ts';
import { type Question, withQuestion } from './gate.ts';
import { withJobSession } from './session.ts';

function compose({ facts, settings, options }: Question) {
  const choice = chooseTarget(facts, settings.target);
  const target = reportTarget(facts, choice);
  return composeReport(facts, {
    choice,
    gate: target === null ? null : evaluateGate(facts, target, gateChecks, options),
  });
}

export async function run(call: Call): Promise<number> {
  if (flag(call, 'dry-run')) {
    return await withQuestion(call, async (question) => {
      const report = compose(question);
      call.output.line(plainReport(report.text));
      call.output.json(report);
      return EXIT.done;
    });
  }
  if (text(call, 'facts') !== undefined)
    throw new NightliftError('usage', 'sending a report from a facts file: only --dry-run takes --facts', {
      remedy: 'nightlift report --dry-run --facts FILE',
    });
  return await withJobSession(call, 'report', async ({ deps }) => {
    const facts = await observe(deps, ALL_FACTS, call.signal);
    const report = compose({ facts, settings: deps.settings, options: gateOptions(deps) });
    await announce(deps, { text: report.text, blocks: report.blocks }, call.signal);
    call.output.json(report);
    return EXIT.done;
  });
}
