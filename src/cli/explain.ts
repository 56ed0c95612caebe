import { NightliftError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { type Call, EXIT } from './call/command.ts';
import { type Output, paint, widthOf, wrapped } from './call/output.ts';
import explanations from './explanations.json' with { type: 'json' };

interface Explanation {
  readonly of: string;
  readonly means: string;
  readonly todo: string;
  readonly checks: readonly string[];
}

const REASONS: ReadonlyMap<string, readonly Explanation[]> = new Map(Object.entries(explanations.reasons));
const CHECKS: ReadonlyMap<string, string> = new Map(Object.entries(explanations.checks));

/** A reason as it stands in a message, or a check of the gate; without either, all of them. */
export async function run(call: Call): Promise<number> {
  const [asked] = call.positionals;
  if (asked === undefined) listAll(call.output);
  else if (CHECKS.has(asked)) {
    printCheck(call.output, asked);
    call.output.json({ check: asked, text: CHECKS.get(asked) });
  } else printReason(call.output, reasonNamed(asked));
  return await Promise.resolve(EXIT.done);
}

/** @throws NightliftError (usage) for what is neither. */
function reasonNamed(asked: string): string {
  const found = [...REASONS.keys()].find((name) => name.toLowerCase() === asked.toLowerCase());
  if (found !== undefined) return found;
  const meant = nearest(asked, [...REASONS.keys(), ...CHECKS.keys()]);
  throw new NightliftError('usage', `explaining "${asked}": it is no reason and no check`, {
    remedy: meant === undefined ? 'nightlift explain lists all of them.' : `Did you mean ${meant}?`,
  });
}

function printReason(output: Output, reason: string): void {
  const all = REASONS.get(reason) ?? [];
  for (const { of, means, todo, checks } of all) {
    output.line(`${paint(output, 'bold', reason)}  ${paint(output, 'dim', of)}`);
    say(output, `Means: ${plain(means)}`);
    say(output, `Do: ${plain(todo)}`);
    for (const check of checks) {
      output.line();
      printCheck(output, check);
    }
  }
  output.json({ reason, meanings: all });
}

function printCheck(output: Output, check: string): void {
  const text = CHECKS.get(check) ?? '';
  output.line(paint(output, 'bold', `Check ${check}`));
  for (const item of text.split(/\n(?=\s*- |\s*$)/)) {
    const isNested = /^\s+- /.test(item);
    const words = plain(item.trim().replaceAll(/\n\s*/g, ' '));
    if (words !== '') say(output, isNested ? `  ${words}` : words.replace(/^- /, ''));
  }
}

function listAll(output: Output): void {
  output.line(paint(output, 'bold', 'Reasons'));
  say(output, [...REASONS.keys()].join(', '));
  output.line();
  output.line(paint(output, 'bold', 'Checks of the gate'));
  say(output, [...CHECKS.keys()].join(', '));
  output.json({ reasons: [...REASONS.keys()], checks: [...CHECKS.keys()] });
}

function say(output: Output, text: string): void {
  for (const line of wrapped(`  ${text}`, widthOf(output), '    ')) output.line(line);
}

/** As a terminal shows what is written for a page. */
function plain(markdown: string): string {
  return markdown
    .replaceAll(/\[([^\]]*)\]\(([^)]*)\)/g, '$1')
    .replaceAll('**', '')
    .replaceAll('`', '')
    .replaceAll('\\|', '|');
}
