import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Call } from './call/command.ts';
import { COMMANDS } from './commands.ts';
import { run } from './completion.ts';

async function scriptFor(shell: string): Promise<string> {
  const lines: string[] = [];
  const output = { raw: (text: string) => void lines.push(text) };
  await run({
    commands: COMMANDS,
    values: {},
    positionals: [shell],
    output,
    signal: new AbortController().signal,
  } as unknown as Call);
  return lines.join('');
}

/** What bash offers for the words, of which the last one is being typed. */
async function offers(...words: string[]): Promise<readonly string[]> {
  const script = `${await scriptFor('bash')}COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _nightlift; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\n').filter(Boolean);
}

describe('the completion script', () => {
  it.each(['bash', 'zsh'])('for %s is a script that bash can read', async (shell) => {
    execFileSync('bash', ['-n'], { input: await scriptFor(shell) });
  });

  it('offers commands, then options, then the values of an option', async () => {
    expect(await offers('nightlift', 'p')).toEqual(['plan', 'pause', 'phase']);
    expect(await offers('nightlift', 'pause', '--re')).toEqual(['--reason']);
    expect(await offers('nightlift', 'demo', '--scenario', 'no')).toEqual(['node-down', 'nothing']);
    expect(await offers('nightlift', 'plan', '-o', '')).toEqual(['text', 'json', 'yaml']);
    expect(await offers('nightlift', 'completion', 'z')).toEqual(['zsh']);
  });

  it('offers files where a file is wanted', async () => {
    expect(await offers('nightlift', 'gate', '--facts', 'package.j')).toEqual(['package.json']);
  });

  it('offers nothing for a command that does not exist', async () => {
    expect(await offers('nightlift', 'nonsense', '')).toEqual([]);
  });
});
