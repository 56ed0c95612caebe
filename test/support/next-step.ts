import { nextSteps, remainingSteps } from '../../src/chain/rollout.ts';
import type { Step } from '../../src/chain/step.ts';
import type { Outlines } from '../../src/facts/nodes.ts';
import { Rollout } from '../../src/settings/rollout.ts';

const ONE_BY_ONE = Rollout.parse({});

/** Of a chain with the defaults, in which one goes after the other. */
export function nextStep(nodes: Outlines, target: string): Step {
  const { steps } = nextSteps({ nodes, target, rollout: ONE_BY_ONE, now: new Date(0) });
  const [step] = steps;
  if (step === undefined || steps.length > 1)
    throw new Error(`${steps.length} steps are next where one goes after the other`);
  return step;
}

export function stepsOneByOne(nodes: Outlines, target: string): readonly Step[] {
  return remainingSteps({ nodes, target, rollout: ONE_BY_ONE });
}
