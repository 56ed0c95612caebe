import { createContext } from '../../src/chain/context.ts';
import { Refused } from '../../src/chain/outcome.ts';
import type { Context } from '../../src/chain/phase.ts';
import type { Step } from '../../src/chain/step.ts';
import type { Finding } from '../../src/gate/finding.ts';
import type { CommandResult, DetachedResult, NodeShell } from '../../src/node/node-shell.ts';
import type { NodeScript } from '../../src/node/scripts.ts';
import { TARGET } from './clusters.ts';
import type { ExampleWorld } from './example-deps.ts';

/** What a step is given in an example world; without another one it is the step of worker-1. */
export function contextIn({ deps }: ExampleWorld, step: Step = { phase: 'worker', node: 'worker-1' }): Context {
  return createContext(step, TARGET, deps, new AbortController().signal);
}

/** What it was thrown; undefined when it went well. */
export async function errorOf(running: Promise<unknown> | undefined): Promise<unknown> {
  try {
    await running;
    return undefined;
  } catch (error) {
    return error;
  }
}

/** The findings with which a step refuses; anything else that is thrown is thrown on. */
export async function refusalOf(running: Promise<unknown> | undefined): Promise<readonly Finding[]> {
  const error = await errorOf(running);
  if (error instanceof Refused) return error.findings;
  if (error instanceof Error) throw error;
  throw new Error('it did not refuse', { cause: error });
}

type Answer = Partial<CommandResult> & Partial<DetachedResult>;

export interface ExampleShell extends NodeShell {
  /** 'stage on worker-1', in order; the unit's name as well when the command outlives the Job. */
  readonly asked: string[];
  readonly scripts: NodeScript[];
}

/** Nodes that answer as they are told, by the name of the script: the last answer again and again. */
export function exampleShell(answers: Readonly<Record<string, Answer | readonly Answer[]>> = {}): ExampleShell {
  const asked: string[] = [];
  const scripts: NodeScript[] = [];
  const next = (script: NodeScript): Answer => {
    const list = [answers[script.name] ?? {}].flat();
    const before = scripts.filter(({ name }) => name === script.name).length;
    scripts.push(script);
    return list[Math.min(before, list.length - 1)] ?? {};
  };
  return {
    asked,
    scripts,
    async run(node, script) {
      asked.push(`${script.name} on ${node.name}`);
      return { exitCode: 0, stdout: '', stderr: '', ...next(script) };
    },
    async runDetached(node, { unit, script }) {
      asked.push(`${script.name} on ${node.name} as ${unit.replace(/-[0-9a-f]{8}$/, '')}`);
      const { exitCode = 0, attached = false, tail = '' } = next(script);
      return { exitCode: exitCode ?? 1, attached, tail };
    },
    close: () => Promise.resolve(),
  };
}
