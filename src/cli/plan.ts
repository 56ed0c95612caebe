import { NightliftError } from '../errors.ts';
import type { Facts } from '../facts/facts.ts';
import { kindText } from '../facts/inventory.ts';
import { runningVersions } from '../facts/running-versions.ts';
import { planUpgrade, type UpgradePlan } from '../phases/plan-upgrade.ts';
import { someOf } from '../some-of.ts';
import { type Call, EXIT } from './call/command.ts';
import { type Output, paint, table } from './call/output.ts';
import { askedTarget, withQuestion } from './gate.ts';

export async function run(call: Call): Promise<number> {
  return await withQuestion(call, async (question) => {
    const { target, why } = askedTarget(call, question);
    if (target === undefined) {
      call.output.line(`Nothing to plan: ${why}.`);
      call.output.json({ target: null, why });
      return EXIT.done;
    }
    const plan = planUpgrade(question.facts, target, runningOf(question.facts), question.settings);
    printPlan(call.output, plan, why);
    call.output.json(plan);
    return EXIT.done;
  });
}

export function runningOf(facts: Facts): string {
  const running = runningVersions(facts);
  if (running.known) return running.value.oldest;
  throw new NightliftError('cluster', `finding the running version: ${running.why}`, {
    remedy: 'See that the API server answers: kubectl get nodes.',
  });
}

export function printPlan(output: Output, plan: UpgradePlan, why: string): void {
  output.line(`${paint(output, 'bold', `${plan.from} → ${plan.target}`)} (${plan.jump}): ${why}`);
  if (plan.done.length > 0) output.line(`On ${plan.target} already: ${someOf(plan.done)}`);
  for (const kind of plan.inventory) output.line(paint(output, 'dim', `${kind.nodes.length} × ${kindText(kind)}`));
  for (const { name, kubelet, why } of plan.leftOut) output.line(`Left out: ${name} (${kubelet}): ${why}`);
  const away = awayNote(plan.steps.filter(({ step }) => step.phase === 'master').length, plan.controlPlanes);
  if (away !== undefined) output.line(paint(output, 'yellow', away));
  const rows = plan.steps.map((step, index) => [
    `${index + 1}.`,
    step.name,
    `on ${step.runner}`,
    duration(step.seconds),
    step.why,
  ]);
  const lines = table(rows);
  const shown = lines.length <= MOST_ROWS ? lines : [...lines.slice(0, MOST_ROWS - 1), ...lines.slice(-1)];
  for (const [index, row] of shown.entries()) {
    if (shown.length < lines.length && index === shown.length - 1)
      output.line(
        `  … and ${(lines.length - shown.length).toLocaleString('en')} more workers, one by one (all of them: -o json)`,
      );
    output.line(`  ${row}`);
  }
  for (const phase of ['master', 'worker'] as const) {
    const step = plan.steps.find((item) => item.step.phase === phase);
    if (step !== undefined) output.line(paint(output, 'dim', `  each ${phase}: ${step.actions.join(' → ')}`));
  }
  output.line(`About ${duration(plan.seconds)}, without waits for disruption budgets and alerts.`);
}

/** What a person reads of the steps; control planes come first. */
const MOST_ROWS = 100;

/** Of three and more, others answer meanwhile. */
function awayNote(toGo: number, controlPlanes: number): string | undefined {
  if (toGo === 0 || controlPlanes > 2) return undefined;
  return controlPlanes === 1
    ? 'There is one control plane: the API server is away for a minute or two while it is upgraded.'
    : 'There are two control planes: etcd has no quorum while one of them restarts, so that the API server is away for a minute or two with each.';
}

export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
