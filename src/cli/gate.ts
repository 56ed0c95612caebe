import { stringify } from 'yaml';
import { allChecks } from '../chain/checks.ts';
import type { Deps } from '../deps.ts';
import { CHOICE_READS, chooseTarget } from '../detect/choose-target.ts';
import { NightliftError } from '../errors.ts';
import type { FactPart, Facts } from '../facts/facts.ts';
import { neverWhy, riskOf } from '../gate/accepted-risks.ts';
import { partsFor } from '../gate/checks.ts';
import { evaluateGate } from '../gate/evaluate-gate.ts';
import type { Finding, GateResult, NotAsked } from '../gate/finding.ts';
import { type GateOptions, gateOptions } from '../gate/gate-options.ts';
import { type Limits, limitsOf } from '../settings/limits.ts';
import type { Settings } from '../settings/settings.ts';
import { versionFromUser } from '../version.ts';
import { type Call, EXIT, flag, text } from './call/command.ts';
import { type Output, paint } from './call/output.ts';
import { offlineMatrix, offlineSettings, withSession } from './call/session.ts';
import { factsForPerson, readFacts } from './facts.ts';
import { isFromHere, mayStart, seenFromHere } from './from-here.ts';

/** What the offline and the live way have in common. */
export interface Question {
  readonly facts: Facts;
  readonly settings: Settings;
  /** @throws NightliftError (config) when the addon matrix is lost. */
  options(): GateOptions;
  /** Those of the cluster; nobody knows them offline. */
  limits?(): Limits;
}

export function questionOf(deps: Pick<Deps, 'settings' | 'addonMatrix'>): Omit<Question, 'facts'> {
  return { settings: deps.settings, options: () => gateOptions(deps) };
}

/** Which target, and what the gate says of it; and no more of a large cluster than that. */
export function readsOf(call: Call): readonly FactPart[] {
  const choice = text(call, 'target') === undefined ? CHOICE_READS : [];
  return [...new Set([...choice, ...partsFor(allChecks)])];
}

/** Facts from a file, or from the cluster: there only those that are named. */
export async function withQuestion(
  call: Call,
  parts: readonly FactPart[],
  answer: (question: Question) => Promise<number>,
): Promise<number> {
  const file = text(call, 'facts');
  if (file !== undefined) {
    const settings = offlineSettings(call);
    const addonMatrix = () => offlineMatrix(call, settings);
    return await answer({ facts: readFacts(file), ...questionOf({ settings, addonMatrix }) });
  }
  return await withSession(
    call,
    async ({ deps }) =>
      await answer({
        facts: await factsForPerson(deps, parts, call.signal),
        limits: () => limitsOf(deps.settings, deps.addonMatrix()),
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
      remedy: notFromHere(facts)
        ? 'Give --ssh-key FILE and --known-hosts FILE, or a version with --target X.Y.Z.'
        : 'Give one with --target X.Y.Z.',
    });
  return { target: choice.kind === 'target' ? choice.version : undefined, why: choice.why };
}

function notFromHere({ patchReleases }: Facts): boolean {
  return !patchReleases.known && patchReleases.notFromHere === true;
}

/** As everybody asks it, seen from where this command runs. */
export function askGate({ facts, options }: Question, target: string): GateResult {
  return seenFromHere(facts, evaluateGate(facts, target, allChecks, options()));
}

export async function run(call: Call): Promise<number> {
  return await withQuestion(call, readsOf(call), async (question) => {
    const { target, why } = askedTarget(call, question);
    if (target === undefined) {
      call.output.line(`No upgrade to ask about: ${why}.`);
      call.output.json({ target: null, verdict: 'safe', findings: [], notAsked: [] });
      return EXIT.done;
    }
    const result = askGate(question, target);
    printGate(call.output, result);
    if (flag(call, 'verbose')) printPassed(call.output, result);
    if (flag(call, 'accept-yaml')) printRisks(call.output, result, new Date(question.facts.observedAt));
    call.output.json(result);
    return result.verdict === 'safe' ? EXIT.done : EXIT.refused;
  });
}

/** For the settings, as soon as somebody has said why. */
function printRisks(output: Output, { target, findings }: GateResult, now: Date): void {
  const blocking = findings.filter((finding) => finding.severity === 'block' && !isFromHere(finding));
  const risks = blocking.filter((one) => neverWhy(one) === undefined).map((one) => riskOf(one, target, now));
  output.line();
  for (const one of blocking) {
    const never = neverWhy(one);
    if (never !== undefined) output.line(`# ${one.check}: ${one.reason} cannot be accepted: ${never}`);
  }
  const yaml = stringify({ acceptedRisks: risks }, { lineWidth: 0 }).trimEnd();
  for (const line of risks.length === 0 ? ['# nothing refuses that could be accepted'] : yaml.split('\n'))
    output.line(line);
}

export function printGate(output: Output, result: GateResult): void {
  const style = { safe: 'green', blocked: 'red', held: 'yellow' } as const;
  const isOnlyHere = result.verdict !== 'safe' && mayStart(result);
  const verdict = isOnlyHere ? 'nothing against it, but not all of it can be asked from here' : result.verdict;
  const part = isOnlyHere || result.notAsked.length === 0 ? '' : `, as far as was asked: ${askedOf(result)}`;
  output.line(`${result.target}: ${paint(output, isOnlyHere ? 'yellow' : style[result.verdict], verdict)}${part}`);
  for (const finding of result.findings) printFinding(output, finding);
  printNotAsked(output, result.notAsked);
}

/** A check that knows a part of what it reads has been asked; it is named all the same. */
function askedOf({ notAsked }: GateResult): string {
  return `${allChecks.length - notAsked.length} of ${allChecks.length} checks`;
}

function printNotAsked(output: Output, notAsked: readonly NotAsked[]): void {
  for (const [missing, some] of Map.groupBy(notAsked, (one) => one.missing.join(', ')))
    output.line(
      `  ${paint(output, 'yellow', 'not asked')} ${some.map(({ check }) => check).join(', ')}  [without ${missing}]`,
    );
}

function printPassed(output: Output, { findings, notAsked }: GateResult): void {
  const told = new Set([...findings, ...notAsked].map(({ check }) => check));
  for (const { name, reads } of allChecks)
    if (!told.has(name)) output.line(`  ${paint(output, 'green', 'passed')} ${name}  [by ${reads.join(', ')}]`);
}

export function printFinding(output: Output, finding: Finding): void {
  const mark = isFromHere(finding)
    ? paint(output, 'yellow', 'not asked')
    : finding.severity === 'block'
      ? paint(output, 'red', finding.class)
      : paint(output, 'yellow', 'warning');
  output.line(`  ${mark} ${finding.message}  [${finding.check}: ${finding.reason}]`);
  if (finding.remedy !== undefined) output.line(`    ${paint(output, 'dim', finding.remedy)}`);
}
