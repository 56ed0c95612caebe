import { atOnce } from '../../at-once.ts';
import { recordRun } from '../../chain/run-record.ts';
import type { Deps } from '../../deps.ts';
import { reasonOf } from '../../errors.ts';
import { scriptsOf, thisNode } from '../../node/node-scripts.ts';
import { runOnNode } from '../../node/run-on-node.ts';
import { readRun, STAGED } from '../../observe/run-record.ts';
import { someOf } from '../../some-of.ts';

interface Night {
  readonly deps: Deps;
  readonly signal: AbortSignal;
}

export async function noteStaged(night: Night, target: string): Promise<void> {
  await recordRun(night, { [STAGED]: target });
}

/**
 * Removes from all nodes what was fetched for a version that the cluster does not go to any more. Stops no night: where
 * it cannot be done, the next one tries again.
 */
export async function unstageLeft({ deps, signal }: Night): Promise<void> {
  try {
    const { [STAGED]: target } = await readRun({ deps, signal });
    if (target === undefined) return;
    const nodes = (await deps.cluster.nodes(signal)).filter(({ kubelet }) => kubelet !== target);
    // All have taken it: an idle night.
    if (nodes.length === 0) return;
    const script = scriptsOf(deps).unstage;
    const left = await atOnce(nodes, deps.settings.nodes.askAtOnce, async (node) => {
      try {
        const said = await runOnNode(
          deps,
          node,
          script({ ...thisNode(node), target }),
          'removing what was staged',
          signal,
        );
        for (const line of said.split('\n')) if (line.trim() !== '') deps.log.info(line.trim(), { from: node.name });
        return [];
      } catch (error) {
        signal.throwIfAborted();
        return [`${node.name}: ${reasonOf(error)}`];
      }
    });
    const why = left.flat();
    if (why.length > 0)
      deps.log.warn(`what was fetched for ${target} is still on nodes`, { error: someOf(why, 10, '; ') });
    else await recordRun({ deps, signal }, { [STAGED]: null });
  } catch (error) {
    signal.throwIfAborted();
    deps.log.warn('what was fetched for an earlier version could not be removed', { error: reasonOf(error) });
  }
}
