import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { surveyOutput } from '../../../test/support/survey-output.ts';
import { createContext } from '../../chain/context.ts';
import { Refused } from '../../chain/outcome.ts';
import { NightliftError } from '../../errors.ts';
import { exampleNode } from '../../facts/example-facts.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import type { CommandResult, NodeShell } from '../../node/node-shell.ts';
import { nodesAnswer } from './nodes-answer.ts';

const OK: CommandResult = { exitCode: 0, stdout: surveyOutput(), stderr: '' };

/** Nodes that answer by their names; `answer` is asked anew at each look. */
async function ask(nodes: readonly NodeFact[], answer: (node: string, look: number) => CommandResult | Error) {
  const looks = new Map<string, number>();
  let most = 0;
  let open = 0;
  const run: NodeShell['run'] = async ({ name }) => {
    open += 1;
    most = Math.max(most, open);
    await new Promise((resolve) => setImmediate(resolve));
    open -= 1;
    looks.set(name, (looks.get(name) ?? 0) + 1);
    const said = answer(name, looks.get(name) ?? 0);
    if (said instanceof Error) throw said;
    return said;
  };
  const world = exampleWorld({ nodes, deps: { shell: { run } as NodeShell } });
  const context = createContext({ phase: 'preflight' }, '1.36.4', world.deps, new AbortController().signal);
  const error: unknown = await nodesAnswer.run(context).catch((thrown: unknown) => thrown);
  return { error, looks, most, seconds: world.passed() };
}

const three = ['cp-1', 'w1', 'w2'].map((name) => exampleNode(name));

describe('nodes-answer', () => {
  it('asks every node that the run will change, and no other', async () => {
    const nodes = [
      ...three,
      exampleNode('w3', { kubelet: '1.36.4' }),
      exampleNode('w4', { ready: 'no', unfinished: '1.36.4' }),
      exampleNode('w5', { ready: 'no', cordonedBy: '1.36.4' }),
      exampleNode('w6', { unfinished: '1.36.4' }),
      exampleNode('w7', { ready: 'no' }),
    ];
    const { error, looks } = await ask(nodes, () => OK);
    expect(error).toBeUndefined();
    expect([...looks.keys()].toSorted()).toEqual(['cp-1', 'w1', 'w2', 'w6', 'w7']);
  });

  it('refuses at once, with all nodes that do not let us in or are others', async () => {
    const answers: Record<string, CommandResult | Error> = {
      w1: new NightliftError('node', 'connecting to w1: permission denied', { remedy: 'add the key' }),
      w2: { exitCode: 25, stdout: '', stderr: 'nightlift: failed: this machine is the node cp-1, not w2\n' },
    };
    const { error, seconds } = await ask(three, (node) => answers[node] ?? OK);
    expect(seconds).toBe(0);
    expect(error).toBeInstanceOf(Refused);
    expect((error as Refused).findings).toEqual([
      {
        check: 'nodes-answer',
        reason: 'NodeRefuses',
        class: 'actionable',
        severity: 'block',
        message: 'connecting to w1: permission denied',
        remedy: 'add the key',
      },
      expect.objectContaining({ reason: 'AnotherNode', message: 'w2: this machine is the node cp-1, not w2' }),
    ]);
  });

  it('waits for a node that is out of reach, and asks only that one again', async () => {
    const away = new NightliftError('network', 'connecting to w2: no route');
    const { error, looks } = await ask(three, (node, look) => (node === 'w2' && look < 3 ? away : OK));
    expect(error).toBeUndefined();
    expect(Object.fromEntries(looks)).toEqual({ 'cp-1': 1, w1: 1, w2: 3 });
  });

  it('leaves a node that stays out of reach to the retry of the Job, and names it', async () => {
    const lost: CommandResult = { exitCode: null, stdout: '', stderr: '' };
    const { error, seconds } = await ask(three, (node) => (node === 'w1' ? lost : OK));
    expect(seconds).toBe(900);
    expect(error).toMatchObject({
      kind: 'network',
      message: expect.stringContaining('asking what it is on w1') as string,
      remedy: 'The next Job looks at the node and goes on.',
    });
  });

  it('is no refusal of the nodes when our own key cannot be read', async () => {
    const noKey = new NightliftError('config', 'reading the SSH key: there is no such file');
    expect((await ask(three, () => noKey)).error).toBe(noKey);
  });

  it('has twenty nodes asked at a time, and no more', async () => {
    const many = Array.from({ length: 45 }, (_, index) => exampleNode(`w${index}`));
    const { error, looks, most } = await ask(many, () => OK);
    expect([error, looks.size, most]).toEqual([undefined, 45, 20]);
  });
});
