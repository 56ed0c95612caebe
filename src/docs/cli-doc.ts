import type { CommandSpec } from '../cli/call/command.ts';
import { commandHelp, programHelp } from '../cli/help.ts';

const HEAD = `# Command line

<!-- Written by \`npm run generate\` from src/cli/commands.ts: edit that, not this. -->

In a clone: \`npm run --silent nightlift -- COMMAND\`, or \`bin/nightlift COMMAND\`.

A command for people exits with 0 (done, or nothing to do), 2 (refused or paused), 3 (failed) or 64 (wrong usage or
settings). \`check\`, \`phase\` and \`report\`, which the cluster's Jobs run, exit with 0 for every decision, refusals and
pauses included: a decision is not a failed Job. A Job that failed exits with 3 when trying again would not help, and with
75 when it may. With \`-o json\` or \`-o yaml\`, standard output holds one object and nothing else.
`;

/** docs/cli.md: the help of every command, as the program prints it. */
export function cliDoc(commands: readonly CommandSpec[]): string {
  const block = (text: string) => ['```text', text, '```', ''];
  return [
    HEAD,
    ...block(programHelp(commands)),
    ...commands.flatMap((command) => [`## nightlift ${command.name}`, '', ...block(commandHelp(command))]),
  ].join('\n');
}
