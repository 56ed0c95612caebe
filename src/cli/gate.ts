import type { Deps } from '../deps.ts';
import { chooseTarget } from '../detect/choose-target.ts';
import { NightliftError } from '../errors.ts';
import { ALL_FACTS, type Facts } from '../facts/facts.ts';
import { addonMatrix } from '../gate/addon-matrix.ts';
import { gateChecks, surveyChecks } from '../gate/checks.ts';
import { evaluateGate } from '../gate/evaluate-gate.ts';
import type { Finding, GateResult } from '../gate/finding.ts';
import { type GateOptions, gateOptions } from '../gate/gate-options.ts';
import { observe } from '../observe/observe.ts';
import { type Limits, limitsOf } from '../settings/limits.ts';
import type { Settings } from '../settings/settings.ts';
import { versionFromUser } from '../version.ts';
import { type Call, EXIT, text } from './call/command.ts';
import { type Output, paint } from './call/output.ts';
import { offlineSettings, withSession } from './call/session.ts';
import { readFacts } from './facts.ts';
import { isFromHere, mayStart, seenFromHere } from './from-here.ts';

/** What the offline and the live way have in common. */
export interface Question {
  readonly facts: Facts;
  readonly settings: Settings;
  readonly options: GateOptions;
  /** Those of the cluster; nobody knows them offline. */
  readonly limits?: Limits;
}

export function questionOf(deps: Pick<Deps, 'settings' | 'addonMatrix'>): Omit<Question, 'facts'> {
  const { settings, addonMatrix: own } = deps;
  return { settings, options: gateOptions(deps), limits: limitsOf(settings, own) };
}

/** Facts from a file, or from the cluster. */
export async function withQuestion(call: Call, answer: (question: Question) => Promise<number>): Promise<number> {
  const file = text(call, 'facts');
  if (file !== undefined) {
    const settings = offlineSettings(call);
    return await answer({
      facts: readFacts(file),
      settings,
      options: {
        ...gateOptions({ settings, addonMatrix: undefined }),
        addons: { matrix: addonMatrix(undefined, ''), untested: 'block' },
      },
    });
  }
  return await withSession(
    call,
    async ({ deps }) =>
      await answer({
        facts: await observe(deps, ALL_FACTS, call.signal),
        ...questionOf(deps),
      }),
  );
}

/** --target, else what the detector would choose; undefined when it would choose nothing. */
export function askedTarget(call: Call, { facts, settings }: Question): { target: string | undefined; why: string } {
  const asked = text(call, 'target');
  if (asked !== undefined) return { target: versionFromUser(asked, '--target'), why: 'as asked' };
  const choice = chooseTarget(facts, settings.target);
  if (choice.kind === 'unknown')
    throw new NightliftError('network', `choosing a target: ${choice.why}`, {
      remedy: notAsked(facts)
        ? 'Give --ssh-key FILE and --known-hosts FILE, or a version with --target X.Y.Z.'
        : 'Give one with --target X.Y.Z.',
    });
  return { target: choice.kind === 'target' ? choice.version : undefined, why: choice.why };
}

function notAsked({ patchReleases }: Facts): boolean {
  return !patchReleases.known && patchReleases.notFromHere === true;
}

export async function run(call: Call): Promise<number> {
  return await withQuestion(call, async (question) => {
    const { target, why } = askedTarget(call, question);
    if (target === undefined) {
      call.output.line(`No upgrade to ask about: ${why}.`);
      call.output.json({ target: null, verdict: 'safe', findings: [] });
      return EXIT.done;
    }
    const result = gateOf(question, target);
    printGate(call.output, result);
    call.output.json(result);
    return result.verdict === 'safe' ? EXIT.done : EXIT.refused;
  });
}

/** As the detection asks it, seen from where this command runs. */
export function gateOf({ facts, options }: Question, target: string): GateResult {
  return seenFromHere(facts, evaluateGate(facts, target, [...gateChecks, ...surveyChecks], options));
}

export function printGate(output: Output, result: GateResult): void {
  const style = { safe: 'green', blocked: 'red', held: 'yellow' } as const;
  const isOnlyHere = result.verdict !== 'safe' && mayStart(result);
  const verdict = isOnlyHere ? 'nothing against it, but not all of it can be asked from here' : result.verdict;
  output.line(`${result.target}: ${paint(output, isOnlyHere ? 'yellow' : style[result.verdict], verdict)}`);
  for (const finding of result.findings) printFinding(output, finding);
}

export function printFinding(output: Output, finding: Finding): void {
  const mark = isFromHere(finding)
    ? paint(output, 'yellow', 'not asked')
    : finding.severity === 'block'
      ? paint(output, 'red', finding.class)
      : paint(output, 'yellow', 'warning');
  output.line(`  ${mark} ${finding.message}  [${finding.check}]`);
  if (finding.remedy !== undefined) output.line(`    ${paint(output, 'dim', finding.remedy)}`);
}
