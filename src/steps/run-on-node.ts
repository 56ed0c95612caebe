import type { Deps } from '../deps.ts';
import { NightliftError } from '../errors.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { explainFailure } from '../node/explain-failure.ts';
import { addressOf } from '../node/node-address.ts';
import type { NodeScript } from '../node/scripts.ts';

/** Runs a short script on a node and returns its stdout. @throws NightliftError (node) with the exit code explained. */
export async function runOnNode(
  deps: Pick<Deps, 'shell'>,
  node: NodeFact,
  script: NodeScript,
  doing: string,
  signal: AbortSignal,
): Promise<string> {
  const result = await deps.shell.run(addressOf(node), script, signal);
  if (result.exitCode === 0) return result.stdout;
  throw nodeFailure(node, script, doing, result.exitCode, `${result.stdout}\n${result.stderr}`);
}

export function nodeFailure(
  node: NodeFact,
  script: NodeScript,
  doing: string,
  exitCode: number | null,
  output: string,
): NightliftError {
  const tail = output.trimEnd().split('\n').slice(-40).join('\n');
  if (exitCode === null) {
    return new NightliftError(
      'node',
      `${doing} on ${node.name}: the connection ended before the exit code of ${script.name}.sh came: the outcome is unknown`,
      {
        remedy: 'The next Job looks at the node and goes on.',
      },
    );
  }
  const failure = explainFailure(script.name, exitCode, tail);
  return new NightliftError(
    'node',
    `${doing} on ${node.name}: ${script.name}.sh ended with exit code ${exitCode}: ${failure.message}`,
    { remedy: failure.remedy },
  );
}
