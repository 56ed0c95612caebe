import { nodeOf } from '../chain/step.ts';
import { PATH_READS, pathFromUser, type UpgradePath } from '../detect/path-from-user.ts';
import { NightliftError } from '../errors.ts';
import type { Facts } from '../facts/facts.ts';
import { kindText } from '../facts/inventory.ts';
import { runningVersions } from '../facts/running-versions.ts';
import { WITHOUT_DRAIN_RISK } from '../gate/drain-rule.ts';
import type { GateResult } from '../gate/finding.ts';
import { gatesAhead, type PathPlan, planPath } from '../phases/plan-path.ts';
import { PLAN_READS, planUpgrade, type UpgradePlan } from '../phases/plan-upgrade.ts';
import { sayWindow } from '../settings/window-at.ts';
import { someOf } from '../some-of.ts';
import { type Call, EXIT } from './call/command.ts';
import { type Output, paint, table, widthOf, wrapped, wrappedTable } from './call/output.ts';
import { askedTarget, askGate, printFinding, printGate, type Question, readsOf, withQuestion } from './gate.ts';

export async function run(call: Call): Promise<number> {
  return await withQuestion(call, [...readsOf(call), ...PATH_READS, ...PLAN_READS], async (question) => {
    const { target, why } = askedTarget(call, question);
    if (target === undefined) {
      call.output.line(`Nothing to plan: ${why}.`);
      call.output.json({ target: null, why });
      return EXIT.done;
    }
    const path = severalHops(question, target);
    if (path !== undefined) {
      const plan = planPath(question.facts, path, question.settings);
      const ahead = withoutMatrix(() => gatesAhead(question.facts, path, question.options()), []);
      printPath(call.output, plan, ahead);
      call.output.json({ ...plan, ahead, gate: tellGate(call.output, question, plan.hops[0]?.target ?? target) });
      return EXIT.done;
    }
    const plan = planUpgrade(question.facts, target, runningOf(question.facts), question.settings);
    printPlan(call.output, plan, why);
    const window = tellWindow(call.output, question);
    call.output.json({ ...plan, window, gate: tellGate(call.output, question, target) });
    return EXIT.done;
  });
}

/** Undefined where one upgrade is enough, or none can be. @throws NightliftError for a way that is not free, or not known. */
function severalHops({ facts, settings }: Question, target: string): UpgradePath | undefined {
  const path = pathFromUser(facts, target, settings.target);
  if (path === undefined || path.kind === 'path') return path;
  const doing = `planning the upgrade to ${target}`;
  throw path.kind === 'unknown'
    ? new NightliftError('network', `${doing}: ${path.why}`, { remedy: 'Mend what could not be asked, and try again.' })
    : new NightliftError('usage', `${doing}: ${path.why}`, { remedy: path.remedy });
}

/** That the gate could not be asked without its matrix is told by `tellGate`. */
function withoutMatrix<T>(ask: () => T, otherwise: T): T {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof NightliftError)) throw error;
    return otherwise;
  }
}

/** Of the moment at which the facts were read; null: always. */
function tellWindow(output: Output, { settings, facts }: Question): string | null {
  if (settings.window === null) return null;
  const told = sayWindow(settings.window, new Date(facts.observedAt));
  output.line(`Window: ${told}`);
  return told;
}

/** A plan needs no addon matrix; that the gate could not be asked without it is told. */
function tellGate(output: Output, question: Question, target: string): GateResult | null {
  try {
    const result = askGate(question, target);
    output.line();
    output.line(paint(output, 'bold', 'Asked just now:'));
    printGate(output, result);
    return result;
  } catch (error) {
    if (!(error instanceof NightliftError)) throw error;
    output.note(`the gate was not asked: ${error.message}${error.remedy === undefined ? '' : `; ${error.remedy}`}`);
    return null;
  }
}

export function runningOf(facts: Facts): string {
  const running = runningVersions(facts);
  if (running.known) return running.value.oldest;
  throw new NightliftError('cluster', `finding the running version: ${running.why}`, {
    remedy: 'See that the API server answers: kubectl get nodes.',
  });
}

/** '1.35.8 ─▶ 1.36.4 ─▶ 1.37.1'. */
export function pathPicture(path: readonly string[]): string {
  return path.join(' ─▶ ');
}

/** The first hop in full, the later ones counted: they are planned anew when it is their turn. */
export function printPath(output: Output, plan: PathPlan, ahead: readonly GateResult[]): void {
  const [first, ...later] = plan.hops;
  if (first === undefined) return;
  const count = plan.hops.length;
  const nodes = first.inventory.reduce((sum, kind) => sum + kind.nodes.length, 0);
  output.line(
    `${paint(output, 'bold', pathPicture(plan.path))}: ${count} hops × ${nodes} nodes, each with a gate, a snapshot and a postflight of its own`,
  );
  output.line();
  output.line(paint(output, 'bold', `[1/${count}]`));
  printPlan(output, first, first.why);
  for (const [index, hop] of later.entries()) {
    output.line();
    output.line(
      `${paint(output, 'bold', `[${index + 2}/${count}]`)} ${pathPicture([hop.from, hop.target])} (${hop.jump}): ${hop.why}`,
    );
    output.line(`  ${hop.steps.length} steps, about ${duration(hop.seconds)}: ${stepCounts(hop)}`);
    const gate = ahead[index];
    if (gate === undefined || gate.verdict === 'safe') continue;
    output.line(
      `  ${paint(output, 'yellow', 'The path would end before it')}: as far as is known today, it is ${gate.verdict}:`,
    );
    for (const finding of gate.findings) if (finding.severity === 'block') printFinding(output, finding);
  }
  output.line();
  output.line(`Snapshots of etcd, one before each hop: ${plan.snapshots}.`);
  output.line(`All ${count} hops: about ${duration(plan.seconds)}, without waits for disruption budgets and alerts.`);
}

function stepCounts({ steps }: UpgradePlan): string {
  return [...Map.groupBy(steps, ({ step }) => step.phase)]
    .map(([phase, some]) => `${some.length} × ${phase}`)
    .join(', ');
}

export function printPlan(output: Output, plan: UpgradePlan, why: string): void {
  output.line(`${paint(output, 'bold', pathPicture([plan.from, plan.target]))} (${plan.jump}): ${why}`);
  const width = widthOf(output);
  const say = (text: string, indent = '  ', style?: 'dim' | 'yellow'): void => {
    for (const line of wrapped(text, width, indent))
      output.line(style === undefined ? line : paint(output, style, line));
  };
  if (plan.done.length > 0) say(`On ${plan.target} already: ${someOf(plan.done)}`);
  for (const kind of plan.inventory) say(`${kind.nodes.length} × ${kindText(kind)}`, '    ', 'dim');
  for (const { name, kubelet, why } of plan.leftOut) say(`Left out: ${name} (${kubelet}): ${why}`);
  const away = awayNote(plan.steps.filter(({ step }) => step.phase === 'master').length, plan.controlPlanes);
  if (away !== undefined) say(away, '  ', 'yellow');
  const rows = plan.steps.map((step, index) => [
    `${index + 1}.`,
    step.name,
    `on ${step.runner}`,
    duration(step.seconds),
    step.why,
  ]);
  const shown = rows.length <= MOST_ROWS ? rows : [...rows.slice(0, MOST_ROWS - 1), ...rows.slice(-1)];
  const left = rows.length - shown.length;
  // A line for each of them where one stands before the last.
  const lines = left > 0 ? table(shown) : wrappedTable(shown, width - 2);
  for (const [index, row] of lines.entries()) {
    if (left > 0 && index === lines.length - 1)
      output.line(
        `  … and ${left.toLocaleString('en')} more workers, ${plan.together === 1 ? 'one by one' : `at most ${plan.together} at a time`} (all of them: -o json)`,
      );
    output.line(`  ${row}`);
  }
  for (const phase of ['master', 'worker'] as const) {
    const step = plan.steps.find((item) => item.step.phase === phase);
    if (step !== undefined) say(`  each ${phase}: ${step.actions.join(' → ')}`, '    ', 'dim');
  }
  printDrains(plan, say);
  const kept = plan.steps.filter(({ withoutDrain }) => withoutDrain).flatMap(({ step }) => nodeOf(step) ?? []);
  if (kept.length > 0)
    say(`Not drained (drain.mode is patch-without): ${someOf(kept)}: ${WITHOUT_DRAIN_RISK}`, '    ', 'yellow');
  output.line(`About ${duration(plan.seconds)}, without waits for disruption budgets and alerts.`);
  if (plan.nights !== null)
    output.line(`Fits into ${plan.nights} ${plan.nights === 1 ? 'night' : 'nights'} of the window, by that estimate.`);
}

/** As it is now: budgets are asked again before each node. */
function printDrains(
  { steps, budgetsUnknown }: UpgradePlan,
  say: (text: string, indent?: string, style?: 'dim' | 'yellow') => void,
): void {
  const drained = steps.flatMap(({ step, drain }) => (drain === null ? [] : [{ node: nodeOf(step) ?? '', drain }]));
  if (drained.length === 0) return;
  say('Drains, as it is now:');
  for (const { node, drain } of drained) {
    const counts = Object.entries(drain.evicts);
    const pods = counts.reduce((sum, [, count]) => sum + count, 0);
    const where = counts.map(([namespace, count]) => `${namespace} ${count}`).join(', ');
    const evicts =
      pods === 0 ? 'no pod is evicted' : `${pods} ${pods === 1 ? 'pod is' : 'pods are'} evicted (${where})`;
    say(`  ${node}: ${evicts}`, '    ');
    for (const { budget, why } of drain.heldBy) say(`    held by budget ${budget}: ${why}`, '      ', 'yellow');
  }
  if (budgetsUnknown !== null)
    say(`  Whether budgets hold any of them is not known: ${budgetsUnknown}`, '    ', 'yellow');
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
