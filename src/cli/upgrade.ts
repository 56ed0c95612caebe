import { allChecks } from '../chain/checks.ts';
import { whyPaused } from '../chain/may-go-on.ts';
import { settledJobs } from '../detect/closing-run.ts';
import { start } from '../detect/detect.ts';
import { pathFromUser, type UpgradePath } from '../detect/path-from-user.ts';
import { type RefusedTarget, targetFromUser } from '../detect/target-from-user.ts';
import { NightliftError } from '../errors.ts';
import { ALL_FACTS, type Facts, type ReleaseFact } from '../facts/facts.ts';
import { isMarked } from '../facts/nodes.ts';
import { canAsk } from '../gate/checks.ts';
import { evaluateGate } from '../gate/evaluate-gate.ts';
import type { GateResult } from '../gate/finding.ts';
import { gateOptions } from '../gate/gate-options.ts';
import { NIGHT_HOPS } from '../observe/night-hops.ts';
import { observe } from '../observe/observe.ts';
import { readRun } from '../observe/run-record.ts';
import { known, type Observed } from '../observed.ts';
import { gatesAhead, planPath } from '../phases/plan-path.ts';
import { planUpgrade, type UpgradePlan } from '../phases/plan-upgrade.ts';
import { minorOf, versionFromUser } from '../version.ts';
import type { Wired } from '../wire.ts';
import { type Call, EXIT, flag, text } from './call/command.ts';
import { type Output, paint } from './call/output.ts';
import { withSession } from './call/session.ts';
import { type Ended, elapsed, followChain, snapshotText } from './follow-chain.ts';
import { mayStart, seenFromHere } from './from-here.ts';
import { printFinding, printGate } from './gate.ts';
import { pathPicture, printPath, printPlan, runningOf } from './plan.ts';
import { runHere } from './run-here.ts';

export async function run(call: Call): Promise<number> {
  const asked = text(call, 'to');
  if (asked === undefined)
    throw new NightliftError('usage', 'starting an upgrade: --to is missing', {
      remedy: 'nightlift plan shows the possible version; then nightlift upgrade --to X.Y.Z',
    });
  const target = versionFromUser(asked, '--to');
  return await withSession(
    call,
    async (wired) => {
      const { code, said } = await upgrade(call, wired, target);
      call.output.json(said);
      return code;
    },
    'needed',
  );
}

async function upgrade(call: Call, { deps }: Wired, target: string): Promise<Ended> {
  const { output, signal } = call;
  const paused = await pausedNow(call, deps, target);
  if (paused !== undefined) return paused;
  const facts = await look(deps, signal);
  const path = pathFromUser(facts, target, deps.settings.target);
  if (path?.kind === 'path') return await upgradeAlong(call, deps, facts, path);
  if (path?.kind === 'refused') return refusal(output, target, path);
  if (path?.kind === 'unknown') throw unknownTarget(target, path.why);
  const ready = await prepare(call, deps, facts, target, (plan, why) => printPlan(output, plan, why));
  if ('code' in ready) return ready;
  const declined = await confirmed(call, target, `Upgrade to ${target}?`);
  return declined ?? (await begin(call, deps, target, ready.findings));
}

/** Hop by hop, each as an upgrade of its own; asked once. What says no stops it between two hops. */
async function upgradeAlong(call: Call, deps: Wired['deps'], facts: Facts, path: UpgradePath): Promise<Ended> {
  const { output, signal } = call;
  const { target, hops } = path;
  const started = deps.clock.now().getTime();
  const goOn = `nightlift upgrade --to ${target}`;
  printPath(output, planPath(facts, path, deps.settings), gatesAhead(facts, path, gateOptions(deps)));
  const done: Ended[] = [];
  for (const [index, { version }] of hops.entries()) {
    const isFirst = index === 0;
    const of = `[${index + 1}/${hops.length}]`;
    const hop = async (): Promise<Ended> => {
      if (!isFirst) {
        output.line();
        output.line(paint(output, 'bold', `${of} Upgrading to ${version}`));
        const paused = await pausedNow(call, deps, version);
        if (paused !== undefined) return paused;
      }
      const show = (plan: UpgradePlan, why: string) => (isFirst ? undefined : printPlan(output, plan, why));
      const ready = await prepare(call, deps, isFirst ? facts : await look(deps, signal), version, show);
      if ('code' in ready) return ready;
      if (isFirst) {
        const declined = await confirmed(call, target, `Upgrade to ${target} in ${hops.length} hops?`);
        if (declined !== undefined) return declined;
        output.line(paint(output, 'bold', `${of} Upgrading to ${version}`));
      }
      return await begin(call, deps, version, ready.findings);
    };
    const ended = await hop().catch((error: unknown) => {
      // Whoever waits for this command has to know what it leaves: nobody else begins the next hop.
      output.note(`Stopped in hop ${index + 1} of ${hops.length}, to ${version}. To go on: ${goOn}`);
      throw error;
    });
    done.push(ended);
    if (ended.isReached === true) continue;
    if (ended.said['outcome'] !== 'declined')
      output.line(`Hop ${index + 1} of ${hops.length}, to ${version}, is not done. To go on: ${goOn}`);
    return along(path, done, ended.code, String(ended.said['outcome']));
  }
  const seconds = Math.round((deps.clock.now().getTime() - started) / 1000);
  output.line();
  for (const { snapshot } of done) if (snapshot !== undefined) output.line(`  ${snapshotText(snapshot)}`);
  output.line(
    paint(
      output,
      'green',
      `Done: ${pathPicture([path.from, ...hops.map(({ version }) => version)])}, after ${elapsed(seconds)}.`,
    ),
  );
  return along(path, done, EXIT.done, 'upgraded');
}

function along({ from, target, hops }: UpgradePath, done: readonly Ended[], code: number, outcome: string): Ended {
  const path = [from, ...hops.map(({ version }) => version)];
  return { code, said: { outcome, target, path, hops: done.map(({ said }) => said) } };
}

/** The nodes themselves are asked by whoever has their key: preflight, as everything that cannot be reached from here. */
async function look(deps: Wired['deps'], signal: AbortSignal): Promise<Facts> {
  const facts = await observe(deps, canAsk('person without a key', ALL_FACTS), signal);
  signal.throwIfAborted();
  return facts;
}

/** What is in the way is said. */
async function prepare(
  call: Call,
  deps: Wired['deps'],
  seen: Facts,
  target: string,
  show: (plan: UpgradePlan, why: string) => void,
): Promise<GateResult | Ended> {
  const { output, signal } = call;
  const facts = leftToPreflight(seen, target);
  const choice = targetFromUser(facts, target, deps.settings.target);
  if (choice.kind === 'unknown') throw unknownTarget(target, choice.why);
  const unfinished =
    choice.kind === 'refused' && choice.because === 'equal' && (await isUnfinished(deps, target, signal));
  if (choice.kind === 'refused' && !unfinished) return refusal(output, target, choice);
  const why = unfinished ? 'a run for it did not finish; it is closed' : choice.why;
  show(planUpgrade(facts, target, runningOf(facts), deps.settings), why);
  if ([facts.patchReleases, facts.nextMinorReleases].some((one) => one.known && one.value?.source === NOT_ASKED))
    output.line(
      `Whether ${target} is published is not asked from here: preflight finds it out before the first change.`,
    );
  const gate = seenFromHere(facts, evaluateGate(facts, target, allChecks, gateOptions(deps)));
  printGate(output, gate);
  return mayStart(gate)
    ? gate
    : { code: EXIT.refused, said: { outcome: 'refused', target, verdict: gate.verdict, findings: gate.findings } };
}

function refusal(output: Output, target: string, { because, why, remedy }: RefusedTarget): Ended {
  const isEqual = because === 'equal';
  output.line(isEqual ? `Nothing to do: ${why}.` : `Refused: ${why}.`);
  if (remedy !== '') output.line(`  ${remedy}`);
  return {
    code: isEqual ? EXIT.done : EXIT.refused,
    said: { outcome: isEqual ? 'nothing' : 'refused', target, why },
    isReached: isEqual,
  };
}

function unknownTarget(target: string, why: string): NightliftError {
  return new NightliftError('network', `looking for ${target}: ${why}`, {
    remedy: 'Nothing was changed. Mend what could not be asked, and try again.',
  });
}

async function begin(
  call: Call,
  deps: Wired['deps'],
  target: string,
  warnings: GateResult['findings'],
): Promise<Ended> {
  const { output, signal } = call;
  // A question can stand for hours.
  const paused = await pausedNow(call, deps, target);
  if (paused !== undefined) return paused;
  if (flag(call, 'here')) return await runHere(call, deps, target);
  const jobs = await settledJobs(deps, signal);
  const active = jobs.find((job) => job.status === 'active');
  if (active !== undefined && active.target !== target) {
    const why = `a chain for ${active.target} is running`;
    output.line(`Refused: ${why} (Job ${active.name}).`);
    return { code: EXIT.refused, said: { outcome: 'refused', target, why } };
  }
  const started =
    active === undefined ? await start(deps, target, jobs, warnings, signal, { [NIGHT_HOPS]: null }) : undefined;
  if (started?.kind === 'refused') {
    const { verdict, findings } = started;
    for (const finding of findings) printFinding(output, finding);
    return { code: EXIT.refused, said: { outcome: 'refused', target, verdict, findings } };
  }
  if (started?.kind === 'dry-run') {
    output.line('The setting dryRun is on: nothing is started.');
    return { code: EXIT.done, said: { outcome: 'dry-run', target } };
  }
  output.line(
    `${active === undefined ? 'Started' : 'Following'}: the chain goes on by itself; interrupting this command does not stop it.`,
  );
  return flag(call, 'no-follow')
    ? { code: EXIT.done, said: { outcome: 'started', target } }
    : await followChain(call, deps, target);
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
async function pausedNow({ output, signal }: Call, deps: Wired['deps'], target: string): Promise<Ended | undefined> {
  const why = await whyPaused(deps, signal);
  // Who was interrupted reads that, and not that something could not be read.
  signal.throwIfAborted();
  if (why === undefined) return undefined;
  output.line(`${paint(output, 'yellow', 'Paused')}: ${why}. Nothing is started.`);
  output.line('  `nightlift resume` ends a pause; outside the window, wait for it or change `window` in the settings.');
  return { code: EXIT.refused, said: { outcome: 'paused', target, why } };
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

/** Undefined: yes. */
async function confirmed(call: Call, target: string, question: string): Promise<Ended | undefined> {
  if (flag(call, 'yes')) return undefined;
  const answer = await call.output.ask(`${question} [y/N] `);
  if (answer === undefined)
    throw new NightliftError('usage', 'asking whether to start: there is no terminal to ask on', {
      remedy: 'Give --yes to start without a question.',
    });
  if (/^y(es)?$/i.test(answer.trim())) return undefined;
  call.output.line('Nothing was changed.');
  return { code: EXIT.refused, said: { outcome: 'declined', target } };
}
