import { exampleFacts, exampleNode } from '../../src/facts/example-facts.ts';
import { exampleControlPlaneSurvey, exampleSurvey } from '../../src/facts/example-survey.ts';
import type { NodeFact } from '../../src/facts/node-fact.ts';
import type { NodeSurvey } from '../../src/facts/node-survey.ts';
import type { Check } from '../../src/gate/check.ts';
import { evaluateGate } from '../../src/gate/evaluate-gate.ts';
import { exampleOptions } from '../../src/gate/example-options.ts';
import type { Finding } from '../../src/gate/finding.ts';
import type { GateOptions } from '../../src/gate/gate-options.ts';
import { known } from '../../src/observed.ts';

export interface SurveyCase {
  /** By the name of the node: a control plane begins with cp. Default: all is well with one of each. */
  readonly surveys?: Readonly<Record<string, Partial<NodeSurvey>>>;
  readonly nodes?: Readonly<Record<string, Partial<NodeFact>>>;
  readonly target?: string;
  readonly running?: string;
  readonly options?: Partial<GateOptions>;
}

/** What a check finds on nodes that everything is well with but for what is given. */
export function surveyFindings(check: Check, given: SurveyCase = {}): readonly Finding[] {
  const { surveys = {}, nodes = {}, target = '1.36.4', running = '1.36.3', options = {} } = given;
  const names = [...new Set(['cp-1', 'worker-1', ...Object.keys(surveys), ...Object.keys(nodes)])];
  const facts = exampleFacts(
    {
      nodes: known(names.map((name) => exampleNode(name, { kubelet: running, ...nodes[name] }))),
      surveys: known(
        Object.fromEntries(
          names.map((name) => [
            name,
            known((name.startsWith('cp') ? exampleControlPlaneSurvey : exampleSurvey)(surveys[name])),
          ]),
        ),
      ),
    },
    running,
  );
  return evaluateGate(facts, target, [check], exampleOptions(options)).findings;
}

/** '<reason>/<severity>: <message>' of every finding. */
export function surveyMessages(check: Check, given: SurveyCase = {}): readonly string[] {
  return surveyFindings(check, given).map(({ reason, severity, message }) => `${reason}/${severity}: ${message}`);
}
