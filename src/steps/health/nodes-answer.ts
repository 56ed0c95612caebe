import { Refused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { NightliftError } from '../../errors.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { isOnTarget } from '../../facts/nodes.ts';
import type { Finding } from '../../gate/finding.ts';
import { explainFailure } from '../../node/explain-failure.ts';
import { addressOf } from '../../node/node-address.ts';
import { scriptsOf, thisNode } from '../../node/node-scripts.ts';
import { nodeFailure } from '../../node/run-on-node.ts';

/** So many nodes are asked at a time. */
const AT_ONCE = 20;
/** For hundreds of nodes, twenty by twenty, some of which let nobody in before the time-out of the connection. */
const LOOK_SECONDS = 300;

/**
 * Every node that the run will change lets us in, makes us root, and proves that it is that node: what the last worker would
 * refuse is not found out after the control plane was upgraded. A node that an interrupted run left half-way and that is
 * not Ready is left out: to bring it back is what its own Job is for.
 */
export const nodesAnswer: ActionStep = {
  name: 'nodes-answer',
  summary: 'every node lets us in, and is the node that it is taken for',
  async run(context) {
    const { deps, signal, target } = context;
    const pending = (await deps.cluster.nodes(signal)).filter((node) => !isOnTarget(node, target) && !isHalfWay(node));
    let open = pending;
    let away: NightliftError | undefined;
    try {
      await context.waiter.until(
        'all nodes to let us in',
        async (_, signal) => {
          const answers = await askAll({ ...context, signal }, open);
          const refused = answers.flatMap(({ finding }) => finding ?? []);
          if (refused.length > 0) throw new Refused(refused);
          const silent = answers.filter(({ error }) => error !== undefined);
          away = silent[0]?.error;
          open = silent.map(({ node }) => node);
          return away === undefined
            ? { done: true, value: undefined }
            : { done: false, missing: silent.map(({ error }) => error?.message ?? '').join('; ') };
        },
        { seconds: deps.settings.waits.readySeconds, lookSeconds: LOOK_SECONDS, remedy: '' },
      );
    } catch (error) {
      // A node that is out of reach may be back for the next try of the Job; nothing was changed.
      if (error instanceof NightliftError && error.kind === 'timeout' && away !== undefined)
        throw new NightliftError('network', error.message, {
          ...(away.remedy === undefined ? {} : { remedy: away.remedy }),
          cause: away,
        });
      throw error;
    }
    deps.log.info('all nodes let us in', { nodes: pending.length });
  },
};

function isHalfWay({ ready, cordonedBy, unfinished }: NodeFact): boolean {
  return ready !== 'yes' && (cordonedBy !== null || unfinished !== null);
}

/** What came back from one node: neither of the two when it is as it should be. */
interface Answer {
  readonly node: NodeFact;
  /** Somebody has to mend it. */
  readonly finding?: Finding;
  /** It may pass. */
  readonly error?: NightliftError;
}

async function askAll(context: Context, nodes: readonly NodeFact[]): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (let first = 0; first < nodes.length; first += AT_ONCE) {
    const some = nodes.slice(first, first + AT_ONCE);
    answers.push(...(await Promise.all(some.map((node) => ask(context, node)))));
  }
  return answers;
}

async function ask({ deps, signal }: Context, node: NodeFact): Promise<Answer> {
  const script = scriptsOf(deps).thisNode(thisNode(node));
  try {
    const { exitCode, stdout, stderr } = await deps.shell.run(addressOf(node), script, signal);
    if (exitCode === 0) return { node };
    const output = `${stdout}\n${stderr}`;
    if (exitCode === null) return { node, error: nodeFailure(node, script, 'asking who it is', exitCode, output) };
    const { reason, message, remedy } = explainFailure(script.name, exitCode, output);
    return { node, finding: finding(reason, `${node.name}: ${message}`, remedy) };
  } catch (error) {
    if (!(error instanceof NightliftError) || signal.aborted) throw error;
    if (error.kind === 'network') return { node, error };
    // Settings, our own key: no node is to blame for these.
    if (error.kind !== 'node') throw error;
    return { node, finding: finding('NodeRefuses', error.message, error.remedy ?? '') };
  }
}

function finding(reason: string, message: string, remedy: string): Finding {
  return { check: 'nodes-answer', reason, class: 'actionable', severity: 'block', message, remedy };
}
