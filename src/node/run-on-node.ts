import { createHash } from 'node:crypto';
import { stripVTControlCharacters } from 'node:util';
import { LockLost, NightliftError } from '../errors.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import type { Log } from '../log.ts';
import type { Settings } from '../settings/settings.ts';
import { versionLabel } from '../version.ts';
import { explainFailure } from './explain-failure.ts';
import { FENCED, type Fence } from './fence.ts';
import { addressOf } from './node-address.ts';
import type { DetachedResult, NodeShell } from './node-shell.ts';
import type { NodeScript } from './scripts.ts';

/** Runs a short script on a node and returns its stdout. @throws NightliftError (node) with the exit code explained. */
export async function runOnNode(
  deps: { readonly shell: NodeShell },
  node: NodeFact,
  script: NodeScript,
  doing: string,
  signal: AbortSignal,
): Promise<string> {
  const result = await deps.shell.run(addressOf(node), script, signal);
  if (result.exitCode === 0) return result.stdout;
  throw nodeFailure(node, script, doing, result.exitCode, `${result.stdout}\n${result.stderr}`);
}

/** What a step of a phase has at hand, as far as a command on a node needs it. */
interface Upgrading {
  readonly deps: { readonly shell: NodeShell; readonly settings: Pick<Settings, 'kubeadm'>; readonly log: Log };
  readonly target: string;
  readonly fence: Fence;
  /** Looks at the kill switch and the window meanwhile. */
  readonly waiter: { during<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> };
}

/**
 * Runs what takes minutes or changes the node as a command that outlives this Job: the next Job follows it instead of
 * starting it again. A pause leaves it to itself, but for the steps that no pause interrupts. `what` and the target make its name, the same every time.
 */
export async function runDetachedOnNode(
  { deps, target, fence, waiter }: Upgrading,
  node: NodeFact,
  script: NodeScript,
  what: string,
  answers: readonly number[] = [],
): Promise<DetachedResult> {
  const hash = createHash('sha256').update(node.name).digest('hex').slice(0, 8);
  const unit = `nightlift-${what}-${versionLabel(target)}-${hash}`;
  const command = { unit, script, fence, timeLimitSeconds: deps.settings.kubeadm.timeoutSeconds, answers };
  const onLine = (line: string): void => {
    const plain = stripVTControlCharacters(line);
    deps.log[plain.startsWith('nightlift: warning: ') ? 'warn' : 'info'](plain, { from: node.name });
  };
  const result = await waiter.during((signal) => deps.shell.runDetached(addressOf(node), command, { signal, onLine }));
  if (result.attached) deps.log.info('followed a command that an earlier Job had started', { unit });
  return result;
}

/** Exit codes of stage.sh for what may be over in a minute, with nothing drained: lock, key, lists and images could not be had. */
const PASSING: readonly number[] = [11, 15, 17, 24];
/** SIGKILL and SIGTERM: nothing is known to be wrong with the node, and every script goes on from the state that it finds. */
const KILLED: readonly number[] = [137, 143];

function mayPass(script: NodeScript, exitCode: number, reason: string): boolean {
  return (
    (script.name === 'stage' && PASSING.includes(exitCode)) || (KILLED.includes(exitCode) && reason !== 'OutOfMemory')
  );
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
      'network',
      `${doing} on ${node.name}: the connection ended before the exit code of ${script.name}.sh came: the outcome is unknown`,
      {
        remedy: 'The next Job looks at the node and goes on.',
      },
    );
  }
  const failure = explainFailure(script.name, exitCode, tail);
  const what = `${doing} on ${node.name}: ${script.name}.sh ended with exit code ${exitCode}: ${failure.message}`;
  if (exitCode === FENCED) return new LockLost(what, { remedy: failure.remedy });
  return new NightliftError(mayPass(script, exitCode, failure.reason) ? 'network' : 'node', what, {
    remedy: failure.remedy,
  });
}
