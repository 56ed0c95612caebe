import { PHASES, type PhaseName } from '../chain/step.ts';
import { phaseOf } from '../phases/phases.ts';

const HEAD = `# Phases

<!-- Written by \`npm run generate\` from src/phases: edit that, not this. -->

What each phase asks and does, in this order. [gates.md](gates.md) explains the checks; a step that finds its work done is
skipped, and one with "↩" is taken back when a later one fails for good. Kill switch and window are looked at before every
step and inside every wait, but not within a step with "!", which changes a node and is finished first.
`;

/** docs/phases.md: the phases are data, so this is what runs. */
export function phasesDoc(): string {
  return [HEAD, ...PHASES.flatMap(section)].join('\n');
}

function section(name: PhaseName): readonly string[] {
  const { summary, checks, steps } = phaseOf(name);
  const marks = ({ undo, critical }: (typeof steps)[number]) =>
    `${undo === undefined ? '' : ' ↩'}${critical === true ? ' !' : ''}`;
  return [
    `## ${name}\n`,
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.\n`,
    ...(checks.length === 0 ? [] : [`Checks: ${checks.map((check) => check.name).join(', ')}.\n`]),
    ...steps.map((step, index) => `${index + 1}. \`${step.name}\`${marks(step)}: ${step.summary}`),
    '',
  ];
}
