import { atOnce } from '../../at-once.ts';
import { Refused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { groupsOf } from '../../chain/rollout.ts';
import { LockLost, NightliftError } from '../../errors.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { controlPlanes, hasTargetVersion, isHalfWay, type Nodes, workers } from '../../facts/nodes.ts';
import type { Finding } from '../../gate/finding.ts';
import { sharedOut } from '../../settings/rollout.ts';
import type { Settings } from '../../settings/settings.ts';
import { windowAt } from '../../settings/window-at.ts';
import { someOf } from '../../some-of.ts';
import { onlyTold } from '../run/only-told.ts';
import { stageOn } from './stage.ts';
import { noteStaged } from './unstage.ts';

/** A registry that is away fails thousands of nodes alike. */
const MOST_TOLD = 10;

/** What a worker takes at the least, beside its soak: fewer would leave one out that has its turn; seconds. */
const QUICKEST_WORKER = 60;

/**
 * Packages and images on every node, before anything is changed on any: what the last worker cannot have costs nobody an
 * upgraded control plane. The node's own turn finds it done, and looks again.
 */
export const stageAll: ActionStep = {
  name: 'stage-all',
  summary: 'fetch packages and images on all nodes, before the first change',
  longest: ({ kubeadm }) => kubeadm.timeoutSeconds,
  async run(context) {
    const { deps, target, signal } = context;
    const nodes = await deps.cluster.nodes(signal);
    const pending = stagedAhead(
      nodes.filter((node) => !hasTargetVersion(node, target) && !isHalfWay(node)),
      deps.settings,
      deps.clock.now(),
      workers(nodes).length,
    );
    await onlyTold(context, 'what is fetched could not be recorded', () => noteStaged(context, target));
    const failures = await context.waiter.during((given) => stageEach({ ...context, signal: given }, pending, nodes));
    const [first] = failures;
    if (first === undefined) {
      deps.log.info('packages and images are on all nodes', { nodes: pending.length });
      return;
    }
    if (failures.some(({ kind }) => kind === 'node')) throw new Refused(failures.map(finding));
    // Nothing that somebody has to mend: the next try of the Job goes on with what is there.
    throw new NightliftError(
      'network',
      someOf(
        failures.map(({ message }) => message),
        MOST_TOLD,
        '; ',
      ),
      {
        ...(first.remedy === undefined ? {} : { remedy: first.remedy }),
        cause: first,
      },
    );
  },
};

/** Control planes, and the workers that can have their turn in this window, of so many workers in all. Pure. */
export function stagedAhead(pending: Nodes, settings: Settings, now: Date, total = workers(pending).length): Nodes {
  const { window, nodes, waits, rollout } = settings;
  const after = groupsOf(workers(pending), { rollout }).flat();
  // By the pods of that moment it may be anybody's turn.
  const isAnybodys = nodes.stage === 'all' || rollout.order === 'fewest-pods';
  const state = isAnybodys || window === null ? undefined : windowAt(window, now);
  if (state === undefined || (state.open && state.ends === null)) return [...controlPlanes(pending), ...after];
  const secondsLeft = state.open && state.ends !== null ? (state.ends.getTime() - now.getTime()) / 1000 : 0;
  const together = sharedOut(rollout.maxUnavailable, total);
  const most = together * Math.max(1, Math.ceil(secondsLeft / (waits.soakSeconds + QUICKEST_WORKER)));
  return [...controlPlanes(pending), ...after.slice(0, most)];
}

/**
 * All of them, whatever becomes of the others: a person gets the whole list in one night. Control planes one after the
 * other: images that are unpacked on the disks of all members at once keep etcd's leader from its heartbeat.
 */
async function stageEach(context: Context, pending: Nodes, nodes: Nodes): Promise<readonly NightliftError[]> {
  // The kill switch is looked at once for all of them, by whoever waits for this.
  const quiet: Context = { ...context, waiter: { ...context.waiter, during: (work) => work(context.signal) } };
  const stage = async (node: NodeFact): Promise<NightliftError | undefined> => {
    try {
      await stageOn(quiet, node, nodes);
      return undefined;
    } catch (error) {
      if (!(error instanceof NightliftError) || error instanceof LockLost || context.signal.aborted) throw error;
      // Settings, our own key: no node is to blame for these.
      if (error.kind !== 'node' && error.kind !== 'network') throw error;
      return error;
    }
  };
  const ended = [
    ...(await atOnce(controlPlanes(pending), 1, stage)),
    ...(await atOnce(workers(pending), context.deps.settings.nodes.askAtOnce, stage)),
  ];
  return ended.filter((error) => error !== undefined);
}

function finding({ message, remedy }: NightliftError): Finding {
  return {
    check: 'stage-all',
    reason: 'CannotStage',
    class: 'actionable',
    severity: 'block',
    message,
    ...(remedy === undefined ? {} : { remedy }),
  };
}
