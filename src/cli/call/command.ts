import type { Output } from './output.ts';

export interface OptionSpec {
  readonly name: string;
  readonly short?: string;
  /** Placeholder of the value in the help; without one the option is a switch. */
  readonly value?: string;
  readonly summary: string;
  /** What completion offers. */
  readonly choices?: readonly string[];
}

/** Of every command that prints a result. */
export const OUTPUT: OptionSpec = {
  name: 'output',
  short: 'o',
  value: 'FORMAT',
  summary: 'text (default), json or yaml',
  choices: ['text', 'json', 'yaml'],
};

/** Of every command, as --help is. */
export const NO_COLOR: OptionSpec = { name: 'no-color', summary: 'no colours; so does NO_COLOR=1' };

export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  readonly details?: string;
  readonly positionals?: string;
  readonly options: readonly OptionSpec[];
  readonly examples: readonly (readonly [command: string, what: string])[];
  /** Loaded when the command is called, so that a start costs only what the command needs. */
  load(): Promise<{ run(call: Call): Promise<number> }>;
}

/** A command as it was called. */
export interface Call {
  /** All commands that there are, for what speaks of all of them. */
  readonly commands: readonly CommandSpec[];
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** Exit codes of people's commands; `check`, `phase` and `report` exit 0 for every decision. */
export const EXIT = { done: 0, refused: 2, failed: 3, usage: 64, retry: 75 } as const;

export function text(call: Call, name: string): string | undefined {
  const value = call.values[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function flag(call: Call, name: string): boolean {
  return call.values[name] === true;
}
