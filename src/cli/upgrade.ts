import { whyPaused } from '../chain/may-go-on.ts';
import { start } from '../detect/detect.ts';
import { targetFromUser } from '../detect/target-from-user.ts';
import { NightliftError } from '../errors.ts';
import { ALL_FACTS, type Facts, type ReleaseFact } from '../facts/facts.ts';
import { isMarked } from '../facts/nodes.ts';
import { allChecks, canAsk } from '../gate/checks.ts';
import { evaluateGate } from '../gate/evaluate-gate.ts';
import { gateOptions } from '../gate/gate-options.ts';
import { CHAIN_SELECTOR } from '../observe/chain-jobs.ts';
import { observe } from '../observe/observe.ts';
import { readRun } from '../observe/run-record.ts';
import { known, type Observed } from '../observed.ts';
import { planUpgrade } from '../phases/plan-upgrade.ts';
import { minorOf, versionFromUser } from '../version.ts';
import type { Wired } from '../wire.ts';
import { type Call, EXIT, flag, text } from './call/command.ts';
import { paint } from './call/output.ts';
import { withSession } from './call/session.ts';
import { followChain } from './follow-chain.ts';
import { mayStart, seenFromHere } from './from-here.ts';
import { printFinding, printGate } from './gate.ts';
import { printPlan, runningOf } from './plan.ts';
import { runHere } from './run-here.ts';

export async function run(call: Call): Promise<number> {
  const asked = text(call, 'to');
  if (asked === undefined)
    throw new NightliftError('usage', 'starting an upgrade: --to is missing', {
      remedy: 'nightlift plan shows the possible version; then nightlift upgrade --to X.Y.Z',
    });
  const target = versionFromUser(asked, '--to');
  return await withSession(call, async (wired) => await upgrade(call, wired, target), 'needed');
}

async function upgrade(call: Call, { deps }: Wired, target: string): Promise<number> {
  const { output, signal } = call;
  if (await isPaused(call, deps, target)) return EXIT.refused;
  // The nodes themselves are asked by whoever has their key: preflight, as everything that cannot be reached from here.
  const parts = canAsk('person without a key', ALL_FACTS);
  const facts = leftToPreflight(await observe(deps, parts, signal), target);
  const choice = targetFromUser(facts, target, deps.settings.target);
  if (choice.kind === 'unknown')
    throw new NightliftError('network', `looking for ${target}: ${choice.why}`, {
      remedy: 'Nothing was changed. Mend what could not be asked, and try again.',
    });
  const unfinished =
    choice.kind === 'refused' && choice.because === 'equal' && (await isUnfinished(deps, target, signal));
  if (choice.kind === 'refused' && !unfinished) {
    output.line(choice.because === 'equal' ? `Nothing to do: ${choice.why}.` : `Refused: ${choice.why}.`);
    if (choice.remedy !== '') output.line(`  ${choice.remedy}`);
    output.json({ outcome: choice.because === 'equal' ? 'nothing' : 'refused', target, why: choice.why });
    return choice.because === 'equal' ? EXIT.done : EXIT.refused;
  }
  const why = unfinished ? 'a run for it did not finish; it is closed' : choice.why;
  printPlan(output, planUpgrade(facts, target, runningOf(facts), deps.settings), why);
  if ([facts.patchReleases, facts.nextMinorReleases].some((one) => one.known && one.value?.source === NOT_ASKED))
    output.line(
      `Whether ${target} is published is not asked from here: preflight finds it out before the first change.`,
    );
  const gate = seenFromHere(facts, evaluateGate(facts, target, allChecks, gateOptions(deps)));
  printGate(output, gate);
  if (!mayStart(gate)) {
    output.json({ outcome: 'refused', target, verdict: gate.verdict, findings: gate.findings });
    return EXIT.refused;
  }
  if (!flag(call, 'yes') && !(await confirmed(call, target))) return EXIT.refused;
  // A question can stand for hours.
  if (await isPaused(call, deps, target)) return EXIT.refused;
  if (flag(call, 'here')) return await runHere(call, deps, target);
  const jobs = await deps.cluster.jobs(CHAIN_SELECTOR, signal);
  const active = jobs.find((job) => job.status === 'active');
  if (active !== undefined && active.target !== target) {
    output.line(`Refused: a chain for ${active.target} is running (Job ${active.name}).`);
    output.json({ outcome: 'refused', target, why: `a chain for ${active.target} is running` });
    return EXIT.refused;
  }
  const started = active === undefined ? await start(deps, target, jobs, gate.findings, signal) : undefined;
  if (started?.kind === 'refused') {
    for (const finding of started.findings) printFinding(output, finding);
    output.json({ outcome: 'refused', target, verdict: started.verdict, findings: started.findings });
    return EXIT.refused;
  }
  if (started?.kind === 'dry-run') {
    output.line('The setting dryRun is on: nothing is started.');
    output.json({ outcome: 'dry-run', target });
    return EXIT.done;
  }
  output.line(
    `${active === undefined ? 'Started' : 'Following'}: the chain goes on by itself; interrupting this command does not stop it.`,
  );
  if (flag(call, 'no-follow')) {
    output.json({ outcome: 'started', target });
    return EXIT.done;
  }
  return await followChain(call, deps, target);
}

const NOT_ASKED = 'not asked from here';

/** Whether it is published: who has no key, and reaches no feed, takes it for given, and preflight does not. */
function leftToPreflight(facts: Facts, target: string): Facts {
  const given = <T>(observed: Observed<T>, value: T): Observed<T> =>
    !observed.known && observed.notFromHere === true ? known(value) : observed;
  const release = { minor: minorOf(target), source: NOT_ASKED, versions: [target] };
  return {
    ...facts,
    patchReleases: given(facts.patchReleases, release),
    nextMinorReleases: given<ReleaseFact | null>(facts.nextMinorReleases, release),
  };
}

/** What stops every run stops one that a person asks for, and is said before anything else. */
async function isPaused({ output, signal }: Call, deps: Wired['deps'], target: string): Promise<boolean> {
  const why = await whyPaused(deps, signal);
  if (why === undefined) return false;
  output.line(`${paint(output, 'yellow', 'Paused')}: ${why}. Nothing is started.`);
  output.line('  `nightlift resume` ends a pause; outside the window, wait for it or change `window` in the settings.');
  output.json({ outcome: 'paused', target, why });
  return true;
}

/** Every node is on the version, but the run that brought them there was not closed, or a cordon of ours is left. */
async function isUnfinished(deps: Wired['deps'], target: string, signal: AbortSignal): Promise<boolean> {
  const run = await readRun({ deps, signal });
  return (
    run['target'] === target ||
    (await deps.cluster.nodes(signal)).some(
      (node) => node.cordonedBy !== null || node.unfinished !== null || isMarked(node),
    )
  );
}

async function confirmed(call: Call, target: string): Promise<boolean> {
  const answer = await call.output.ask(`Upgrade to ${target}? [y/N] `);
  if (answer === undefined)
    throw new NightliftError('usage', 'asking whether to start: there is no terminal to ask on', {
      remedy: 'Give --yes to start without a question.',
    });
  if (/^y(es)?$/i.test(answer.trim())) return true;
  call.output.line('Nothing was changed.');
  call.output.json({ outcome: 'declined', target });
  return false;
}
