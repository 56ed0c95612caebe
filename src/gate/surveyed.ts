import type { Facts } from '../facts/facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import type { NodeSurvey } from '../facts/node-survey.ts';
import { isOnTarget } from '../facts/nodes.ts';
import type { Finding } from './finding.ts';

export interface SurveyedNode {
  readonly node: NodeFact;
  readonly survey: NodeSurvey;
}

/** The nodes that are still to go and have said what they are; that the others have not is the finding of `node-survey`. */
export function surveyedNodes({ nodes, surveys }: Facts, target: string): readonly SurveyedNode[] {
  if (!nodes.known || surveys?.known !== true) return [];
  const said = surveys.value;
  return nodes.value.flatMap((node) => {
    const survey = Object.hasOwn(said, node.name) ? said[node.name] : undefined;
    return survey?.known === true && !isOnTarget(node, target) ? [{ node, survey: survey.value }] : [];
  });
}

/** What is wrong with one node, in the words that follow its name: `40 MB are free`; empty for nothing but the name. */
export interface NodeProblem {
  readonly node: string;
  readonly what: string;
}

/** One finding for all the nodes that it holds for; none without one. `said` begins the message, the nodes end it. */
export function nodesFinding(
  finding: Pick<Finding, 'check' | 'reason' | 'severity'> & { readonly said: string; readonly remedy: string },
  problems: readonly NodeProblem[],
): readonly Finding[] {
  if (problems.length === 0) return [];
  const { check, reason, severity, said, remedy } = finding;
  const nodes = problems.map(({ node, what }) => (what === '' ? node : `${node} (${what})`)).join(', ');
  return [{ check, reason, class: 'actionable', severity, message: `${said}: ${nodes}`, remedy }];
}
