import type { CommandResult, DetachedResult, NodeAddress } from '../../src/node/node-shell.ts';
import type { NodeScript } from '../../src/node/scripts.ts';

/**
 * What commands said on the nodes. A process that is killed three hundred times asks the same things three hundred times:
 * once a script has really run a few times with the same result on a node that nothing has changed since, its answer is
 * given again. The points before, during and after it stay.
 */
export interface CommandMemory {
  answer(node: NodeAddress, script: NodeScript, ask: () => Promise<CommandResult>): Promise<CommandResult>;
  /** `pass` goes through the points of a command that is not run. */
  result(
    node: NodeAddress,
    script: NodeScript,
    run: () => Promise<DetachedResult>,
    pass: () => Promise<void>,
  ): Promise<DetachedResult>;
}

const REALLY = 2;
/** Fetching changes nothing that any other script looks at. */
const CHANGES_NOTHING = /^(stage|list-releases|node-state|survey|plan|diff|manifest-copies)$/;

/** A survey that is told again is one of now. */
function ofNow(answer: CommandResult): CommandResult {
  const seconds = Math.floor(Date.now() / 1000);
  return { ...answer, stdout: answer.stdout.replace(/^(survey\.begin\t\d+\t)\d+$/m, `$1${seconds}`) };
}

export function createCommandMemory(): CommandMemory {
  const known = new Map<string, { times: number; value: CommandResult | DetachedResult }>();
  /** Counted up when something on the node may have changed. */
  const states = new Map<string, number>();
  const keyOf = (node: NodeAddress, script: NodeScript): string =>
    `${node.name} ${CHANGES_NOTHING.test(script.name) ? (states.get(node.name) ?? 0) : ''} ${script.text}`;
  const remember = (key: string, value: CommandResult | DetachedResult): void => {
    known.set(key, { times: (known.get(key)?.times ?? 0) + 1, value });
  };
  const recall = (key: string): CommandResult | DetachedResult | undefined => {
    const found = known.get(key);
    return found !== undefined && found.times >= REALLY ? found.value : undefined;
  };
  return {
    async answer(node, script, ask) {
      const key = keyOf(node, script);
      const found = recall(key);
      if (found !== undefined && 'stdout' in found) return ofNow(found);
      const value = await ask();
      if (value.exitCode === 0) remember(key, value);
      return value;
    },
    async result(node, script, run, pass) {
      const key = keyOf(node, script);
      const found = recall(key);
      if (found !== undefined && 'tail' in found) {
        await pass();
        return found;
      }
      if (!CHANGES_NOTHING.test(script.name)) states.set(node.name, (states.get(node.name) ?? 0) + 1);
      const value = await run();
      if (value.exitCode === 0) remember(key, value);
      return value;
    },
  };
}
