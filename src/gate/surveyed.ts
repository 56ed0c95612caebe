import type { Facts } from '../facts/facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import type { NodeSurvey } from '../facts/node-survey.ts';
import { isOnTarget } from '../facts/nodes.ts';
import { someOf } from '../some-of.ts';
import type { Check, GateContext } from './check.ts';
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
  const groups = Map.groupBy(problems, ({ what }) => what);
  const nodes = [...groups].map(([what, some]) => named(some, what)).join(', ');
  const subject = problems
    .map(({ node }) => node)
    .toSorted()
    .join(', ');
  return [{ check, reason, class: 'actionable', severity, subject, message: `${said}: ${nodes}`, remedy }];
}

const MOST_NAMED = 20;

/** Hundreds of nodes are made alike, and have the same in the way. */
function named(problems: readonly NodeProblem[], what: string): string {
  const names = problems.map(({ node }) => node);
  const nodes = someOf(names, MOST_NAMED);
  if (what === '') return nodes;
  return problems.length === 1 ? `${nodes} (${what})` : `${nodes} (each: ${what})`;
}

/** One thing that may be wrong with a node. */
export interface NodeRule {
  readonly reason: string;
  readonly severity: Finding['severity'];
  readonly said: string | ((context: GateContext) => string);
  readonly remedy: string | ((context: GateContext, nodes: readonly SurveyedNode[]) => string);
  /** All that is wrong with this one; [''] for what needs no words beside its name, empty when nothing is. */
  problems(surveyed: SurveyedNode, context: GateContext, facts: Facts): readonly string[];
}

/** A check that asks each rule of each node: a finding for each rule, with all the nodes that it holds for. */
export function nodeCheck(name: string, rules: readonly NodeRule[]): Check {
  return {
    name,
    reads: ['nodes', 'surveys'],
    evaluate(facts, context) {
      const nodes = surveyedNodes(facts, context.target);
      return rules.flatMap(({ reason, severity, said, remedy, problems }) => {
        const found = nodes.flatMap((surveyed) => {
          const wrong = problems(surveyed, context, facts);
          return wrong.length === 0 ? [] : [{ surveyed, what: wrong.join('; ') }];
        });
        return nodesFinding(
          {
            check: name,
            reason,
            severity,
            said: typeof said === 'string' ? said : said(context),
            remedy:
              typeof remedy === 'string'
                ? remedy
                : remedy(
                    context,
                    found.map(({ surveyed }) => surveyed),
                  ),
          },
          found.map(({ surveyed, what }) => ({ node: surveyed.node.name, what })),
        );
      });
    },
  };
}

/** What its own step had begun, that step finishes: packages between two versions and holds that are off are its doing. */
export function isBegun({ node }: SurveyedNode): boolean {
  return node.unfinished !== null || node.cordonedBy !== null;
}

/** The words for one thing that is so, for `problems`. */
export function when(is: boolean, what = ''): readonly string[] {
  return is ? [what] : [];
}
