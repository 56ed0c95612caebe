import { type CommandSpec, NO_COLOR } from './call/command.ts';
import { table } from './call/output.ts';

export function programHelp(commands: readonly CommandSpec[]): string {
  const people = commands.filter((command) => !['check', 'phase', 'report'].includes(command.name));
  const jobs = commands.filter((command) => !people.includes(command));
  const list = (some: readonly CommandSpec[]) => table(some.map((command) => [`  ${command.name}`, command.summary]));
  return [
    'Upgrades a kubeadm cluster overnight, by itself.',
    '',
    'Usage: nightlift COMMAND [OPTIONS]',
    '',
    'For people:',
    ...list(people),
    '',
    "For the cluster's Jobs:",
    ...list(jobs),
    '',
    'Exit codes: 0 done or nothing to do, 2 refused or paused, 3 failed, 64 wrong usage or settings.',
    '`nightlift COMMAND --help` shows options and examples.',
  ].join('\n');
}

export function commandHelp(command: CommandSpec): string {
  const options = [...command.options, NO_COLOR, { name: 'help', short: 'h', summary: 'this text' }];
  const rows = options.map((option) => {
    const short = option.short === undefined ? '    ' : `-${option.short}, `;
    const value = 'value' in option && option.value !== undefined ? ` ${option.value}` : '';
    return [`  ${short}--${option.name}${value}`, option.summary];
  });
  const examples = command.examples.flatMap(([line, what]) =>
    what === '' ? [`  ${line}`] : [`  ${line}`, `      ${what}`],
  );
  return [
    `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`,
    ...(command.details === undefined ? [] : ['', command.details]),
    '',
    `Usage: nightlift ${command.name}${command.positionals === undefined ? '' : ` ${command.positionals}`} [OPTIONS]`,
    '',
    'Options:',
    ...table(rows),
    ...(examples.length === 0 ? [] : ['', 'Examples:', ...examples]),
  ].join('\n');
}
