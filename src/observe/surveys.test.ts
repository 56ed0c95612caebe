import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../test/support/example-deps.ts';
import { surveyOutput } from '../../test/support/survey-output.ts';
import { NightliftError } from '../errors.ts';
import { exampleNode } from '../facts/example-facts.ts';
import type { CommandResult, NodeShell } from '../node/node-shell.ts';
import { observeSurveys } from './surveys.ts';

const NODES = ['cp-1', 'w1', 'w2'].map((name) => exampleNode(name));
const signal = new AbortController().signal;
const said = (stdout: string, exitCode: number | null = 0): CommandResult => ({ exitCode, stdout, stderr: '' });
const AWAY = new NightliftError('network', 'connecting to w1: no route', { remedy: 'See that it is up' });

/** `answer`: at the look of this number, of a node. */
async function surveys(answer: (node: string, look: number) => CommandResult | Error, inCluster = true) {
  const looks = new Map<string, number>();
  const run: NodeShell['run'] = async ({ name }) => {
    looks.set(name, (looks.get(name) ?? 0) + 1);
    const got = answer(name, looks.get(name) ?? 0);
    if (got instanceof Error) throw got;
    return got;
  };
  const world = exampleWorld({ nodes: NODES, deps: { shell: { run } as NodeShell, inCluster } });
  const found = await observeSurveys(world.deps, NODES, signal);
  return { found, looks: Object.fromEntries(looks), seconds: world.passed() };
}

describe('what nodes say of themselves', () => {
  it('is asked once of those that answer', async () => {
    const { found, looks } = await surveys(() => said(surveyOutput()));
    expect(Object.values(found).every(({ known }) => known)).toBe(true);
    expect(looks).toEqual({ 'cp-1': 1, w1: 1, w2: 1 });
  });

  it.each([
    [2, 0, 2],
    [4, 60, 4],
    [100, 180, 8],
  ])('is asked again of one that is away until look %i: for %i s', async (back, seconds, count) => {
    const result = await surveys((node, look) => (node === 'w1' && look < back ? AWAY : said(surveyOutput())));
    expect([result.seconds, result.looks]).toEqual([seconds, { 'cp-1': 1, w1: count, w2: 1 }]);
    expect(result.found['w1']?.known).toBe(back < 100);
  });

  it('keeps no person waiting for a node that is away', async () => {
    const { found, looks, seconds } = await surveys((node) => (node === 'w1' ? AWAY : said(surveyOutput())), false);
    expect([seconds, looks['w1']]).toEqual([0, 2]);
    expect(found['w1']).toEqual({ known: false, why: 'connecting to w1: no route; what to do: See that it is up' });
  });

  it.each<[string, CommandResult | Error, RegExp]>([
    [
      'lets nobody in',
      new NightliftError('node', 'connecting to w1: refused the login', {}),
      /^connecting to w1: refused the login$/,
    ],
    [
      'is another machine',
      { ...said('', 25), stderr: 'nightlift: failed: this machine is the node w9, not w1\n' },
      /^w1: this machine is the node w9/,
    ],
    [
      'has a script that somebody broke',
      { ...said('', 127), stderr: 'bash: line 7: tel: command not found\n' },
      /^w1: /,
    ],
    [
      'answers in another language',
      said('<html>Anmeldung</html>'),
      /^w1: reading what the node says of itself: it does not begin as one/,
    ],
    ['answers half', said(surveyOutput().slice(0, 700)), /^w1: reading what the node says of itself: it does not say/],
    ['does not come to an end', said('', 124), /^w1: survey\.sh .*124|^w1: .*time/],
    [
      'says ten megabytes',
      said(`${surveyOutput()}${'x'.repeat(10_000_000)}`),
      /^w1: reading what the node says of itself: it has \d+ characters/,
    ],
  ])('is not known of one that %s; it is named, and the others are known', async (_, answer, why) => {
    const { found } = await surveys((node) => (node === 'w1' ? answer : said(surveyOutput())));
    expect(found['w1']).toEqual({ known: false, why: expect.stringMatching(why) as string });
    expect([found['cp-1']?.known, found['w2']?.known]).toEqual([true, true]);
  });

  it('is nobody to blame for when our own key cannot be read', async () => {
    const noKey = new NightliftError('config', 'reading the SSH key: there is no such file');
    await expect(surveys(() => noKey)).rejects.toBe(noKey);
  });
});
