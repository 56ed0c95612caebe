import { type ParseArgsConfig, parseArgs } from 'node:util';
import { NightliftError, reasonOf } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { type CommandSpec, EXIT, NO_COLOR, OUTPUT } from './call/command.ts';
import { terminalParagraph } from './call/output.ts';
import { createOutput, type TerminalOptions } from './call/terminal.ts';
import { COMMANDS } from './commands.ts';
import { commandHelp, programHelp } from './help.ts';

export type Streams = Pick<TerminalOptions, 'stdin' | 'stdout' | 'stderr' | 'noColor'>;

const MANUAL = 'nightlift --help lists the commands.';

/** argv (without node and program) → exit code. Nothing below prints a stack trace for a foreseeable error. */
export async function runCli(argv: readonly string[], streams: Streams, signal: AbortSignal): Promise<number> {
  const [first, ...rest] = argv;
  const name = first === '--version' || first === '-V' ? 'version' : first;
  try {
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
      const asked = name === 'help' && rest[0] !== undefined ? commandNamed(rest[0]) : undefined;
      streams[name === undefined ? 'stderr' : 'stdout'].write(
        `${asked === undefined ? programHelp(COMMANDS) : commandHelp(asked)}\n`,
      );
      return name === undefined ? EXIT.usage : EXIT.done;
    }
    const command = commandNamed(name);
    const { values, positionals } = parse(command, rest);
    if (values['help'] === true) {
      streams.stdout.write(`${commandHelp(command)}\n`);
      return EXIT.done;
    }
    const format = values['output'] ?? 'text';
    const formats = command.options.find(({ name }) => name === OUTPUT.name)?.choices ?? OUTPUT.choices ?? [];
    if (!formats.includes(String(format)))
      throw new NightliftError(
        'usage',
        `reading --output: "${String(format)}" is none of ${formats.slice(0, -1).join(', ')} and ${formats.at(-1)}`,
      );
    const noColor = streams.noColor || values[NO_COLOR.name] === true;
    const output = createOutput({
      ...streams,
      format: format === 'json' || format === 'yaml' ? format : 'text',
      noColor,
    });
    const { run } = await command.load();
    return await run({ commands: COMMANDS, values, positionals, output, signal });
  } catch (error) {
    if (!(error instanceof NightliftError)) throw error;
    const remedy = error.remedy === undefined ? '' : `\n${error.remedy}`;
    streams.stderr.write(`${terminalParagraph(`nightlift: ${reasonOf(error)}${remedy}`)}\n`);
    return error.exitCode;
  }
}

function commandNamed(name: string): CommandSpec {
  const command = COMMANDS.find((item) => item.name === name);
  if (command !== undefined) return command;
  if (['rollback', 'revert'].includes(name)) {
    throw new NightliftError(
      'usage',
      `there is no command "${name}": kubeadm has no "upgrade revert" and cannot downgrade a cluster`,
      {
        remedy: 'docs/operations.md, "Roll back", gives the way by etcd snapshot and packages.',
      },
    );
  }
  const close = nearest(
    name,
    COMMANDS.map((item) => item.name),
  );
  throw new NightliftError(
    'usage',
    `there is no command "${name}"${close === undefined ? '' : `; did you mean "${close}"?`}`,
    { remedy: MANUAL },
  );
}

function parse(command: CommandSpec, args: readonly string[]) {
  const options: NonNullable<ParseArgsConfig['options']> = { help: { type: 'boolean', short: 'h' } };
  for (const option of [...command.options, NO_COLOR]) {
    options[option.name] = {
      type: option.value === undefined ? 'boolean' : 'string',
      ...(option.short === undefined ? {} : { short: option.short }),
    };
  }
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options,
      allowPositionals: command.positionals !== undefined,
      strict: true,
    });
    return { values: values as Readonly<Record<string, string | boolean | undefined>>, positionals };
  } catch (error) {
    const typed = /'(--[^'\s=]+)/.exec(reasonOf(error))?.[1];
    const close =
      typed === undefined
        ? undefined
        : nearest(
            typed,
            command.options.map((option) => `--${option.name}`),
          );
    const hint = close === undefined || close === typed ? '' : `; did you mean "${close}"?`;
    throw new NightliftError(
      'usage',
      `reading the arguments of ${command.name}: ${(reasonOf(error).split('. ')[0] ?? '').trim()}${hint}`,
      { remedy: `nightlift ${command.name} --help shows the options.` },
    );
  }
}
