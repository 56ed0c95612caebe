import { NightliftError } from '../errors.ts';
import { type Call, type CommandSpec, EXIT, NO_COLOR } from './call/command.ts';

export async function run(call: Call): Promise<number> {
  const [shell] = call.positionals;
  if (shell !== 'bash' && shell !== 'zsh') {
    const problem = shell === undefined ? 'the shell is missing: bash or zsh' : `"${shell}" is neither bash nor zsh`;
    throw new NightliftError('usage', `writing a completion script: ${problem}`, {
      remedy: 'source <(nightlift completion bash)',
    });
  }
  const script = bash(call.commands);
  call.output.raw(`${shell === 'bash' ? script : `autoload -U +X bashcompinit && bashcompinit\n${script}`}\n`);
  return EXIT.done;
}

/** One script for both: zsh reads bash completions through bashcompinit. */
function bash(commands: readonly CommandSpec[]): string {
  const cases = commands.map((command) => {
    const options = [
      ...command.options.map((option) => `--${option.name}`),
      `--${NO_COLOR.name}`,
      '--help',
      // The others stand for something.
      ...(command.positionals?.split('|').filter((word) => /^[a-z]+$/.test(word)) ?? []),
    ];
    return `    ${command.name}) words="${options.join(' ')}" ;;`;
  });
  const values = commands
    .flatMap((command) => command.options)
    .filter((option) => option.choices !== undefined)
    .map(
      (option) =>
        `    --${option.name}${option.short === undefined ? '' : `|-${option.short}`}) words="${(option.choices ?? []).join(' ')}" ;;`,
    );
  return [
    '_nightlift() {',
    '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" words=""',
    '  COMPREPLY=()',
    `  if [ "$COMP_CWORD" -eq 1 ]; then words="${commands.map((command) => command.name).join(' ')} --help"; fi`,
    '  case "${COMP_WORDS[1]}" in',
    ...cases,
    '  esac',
    '  case "$previous" in',
    ...new Set(values),
    '    --config|--kubeconfig|--facts|--ssh-key|--known-hosts) COMPREPLY=($(compgen -f -- "$current")); return ;;',
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '}',
    'complete -F _nightlift nightlift',
  ].join('\n');
}
