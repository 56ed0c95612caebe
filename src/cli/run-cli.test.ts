import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { COMMANDS } from './commands.ts';
import { runCli, type Streams } from './run-cli.ts';

async function call(...argv: string[]) {
  const written = { out: '', err: '' };
  const sink = (name: keyof typeof written) =>
    new PassThrough().on('data', (chunk: Buffer) => (written[name] += chunk.toString()));
  const streams = {
    stdin: new PassThrough(),
    stdout: sink('out'),
    stderr: sink('err'),
    noColor: false,
  } as unknown as Streams;
  const code = await runCli(argv, streams, new AbortController().signal);
  await new Promise(setImmediate);
  return { code, ...written };
}

describe('runCli', () => {
  it.each([['--help'], ['-h'], ['help']])('%s lists every command with exit code 0', async (argument) => {
    const { code, out, err } = await call(argument);
    expect([code, err]).toEqual([0, '']);
    for (const { name, summary } of COMMANDS) expect(out).toMatch(new RegExp(`^  ${name} +${escape(summary)}$`, 'm'));
  });

  it('without a command shows the help on stderr with the exit code of wrong usage', async () => {
    expect(await call()).toMatchObject({ code: 64, out: '', err: expect.stringContaining('Usage: nightlift COMMAND') });
  });

  it.each(COMMANDS.map(({ name }) => name))('%s --help shows each of its options and examples', async (name) => {
    const command = COMMANDS.find((item) => item.name === name);
    const { code, out } = await call(name, '--help');
    expect(code).toBe(0);
    for (const option of command?.options ?? []) expect(out).toContain(`--${option.name}`);
    for (const [example] of command?.examples ?? []) expect(out).toContain(example);
    expect((await call('help', name)).out).toBe(out);
  });

  it.each([['--version'], ['-V'], ['version']])('%s says which version this is', async (argument) => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(await call(argument)).toMatchObject({
      code: 0,
      out: `nightlift ${version} (Node ${process.version})\n`,
      err: '',
    });
    const yaml = await call('version', '-o', 'yaml', '--no-color');
    expect(parse(yaml.out)).toEqual({ version, node: process.version });
  });

  it.each([
    [['chek'], 'there is no command "chek"; did you mean "check"?'],
    [['frobnicate'], 'there is no command "frobnicate"\n'],
    [['rollback'], 'cannot downgrade'],
    [['revert'], 'kubeadm has no "upgrade revert"'],
    [['plan', '--tarket', '1.36.4'], 'Unknown option \'--tarket\'; did you mean "--target"?'],
    [['plan', '--target'], 'reading the arguments of plan'],
    [['plan', 'now'], 'reading the arguments of plan'],
    [['plan', '-o', 'xml'], 'reading --output: "xml" is none of text, json and yaml'],
    [['completion', 'fish'], '"fish" is neither bash nor zsh'],
    [['completion'], 'the shell is missing: bash or zsh'],
  ])('refuses %j with exit code 64 and says why', async (argv, text) => {
    const { code, out, err } = await call(...argv);
    expect([code, out]).toEqual([64, '']);
    expect(err).toContain(text);
    expect(err).not.toMatch(/^\s+at /m);
  });
});

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
