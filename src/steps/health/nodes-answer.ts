import { Refused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { NightliftError } from '../../errors.ts';
import type { NodeSurvey } from '../../facts/node-survey.ts';
import { isHalfWay, isOnTarget } from '../../facts/nodes.ts';
import { surveyChecks } from '../../gate/checks.ts';
import { evaluateGate } from '../../gate/evaluate-gate.ts';
import type { Finding } from '../../gate/finding.ts';
import { gateOptions } from '../../gate/gate-options.ts';
import { logFinding } from '../../gate/log-finding.ts';
import { observe } from '../../observe/observe.ts';
import { type NodeRefusal, surveyNodes } from '../../observe/surveys.ts';
import { known } from '../../observed.ts';
import { someOf } from '../../some-of.ts';

/** For hundreds of nodes, twenty by twenty, some of which let nobody in before the time-out of the connection. */
const LOOK_SECONDS = 600;

/**
 * Every node that the run will change lets us in, makes us root, proves that it is that node, and has nothing in the way of
 * the target: what the last worker would refuse is not found out after the control plane was upgraded.
 */
export const nodesAnswer: ActionStep = {
  name: 'nodes-answer',
  summary: 'every node lets us in, is the node that it is taken for, and has nothing in the way',
  async run(context) {
    const { deps, target } = context;
    const surveys = await allSurveys(context);
    const facts = {
      ...(await observe(deps, ['nodes'], context.signal, { throwsUnavailable: true })),
      surveys: known(Object.fromEntries([...surveys].map(([name, survey]) => [name, known(survey)] as const))),
    };
    const { findings } = evaluateGate(facts, target, surveyChecks, gateOptions(deps));
    for (const finding of findings) if (finding.severity === 'warn') logFinding(deps.log, finding);
    const blocking = findings.filter(({ severity }) => severity === 'block');
    if (blocking.length > 0) throw new Refused(blocking);
    deps.log.info('all nodes let us in', { nodes: surveys.size });
  },
};

/** By name. Waits for those that are away. @throws Refused with all that somebody has to mend before a node can be asked. */
async function allSurveys(context: Context): Promise<ReadonlyMap<string, NodeSurvey>> {
  const { deps, signal, target } = context;
  const surveys = new Map<string, NodeSurvey>();
  let open = (await deps.cluster.nodes(signal)).filter((node) => !isOnTarget(node, target) && !isHalfWay(node));
  let away: NightliftError | undefined;
  try {
    await context.waiter.until(
      'all nodes to let us in',
      async (_, signal) => {
        const answers = await surveyNodes(deps, open, signal);
        for (const answer of answers) if (answer.kind === 'surveyed') surveys.set(answer.node.name, answer.survey);
        const refused = answers.flatMap((answer) => (answer.kind === 'refused' ? [finding(answer.refusal)] : []));
        if (refused.length > 0) throw new Refused(refused);
        const silent = answers.flatMap((answer) => (answer.kind === 'away' ? [answer] : []));
        away = silent[0]?.error;
        open = silent.map(({ node }) => node);
        return away === undefined
          ? { done: true, value: undefined }
          : {
              done: false,
              missing: someOf(
                silent.map(({ error }) => error.message),
                10,
                '; ',
              ),
            };
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
  return surveys;
}

function finding({ reason, message, remedy }: NodeRefusal): Finding {
  return { check: 'nodes-answer', reason, class: 'actionable', severity: 'block', message, remedy };
}
