import { describe, expect, it } from 'vitest';
import { controlPlane, TARGET, worker } from '../../test/support/clusters.ts';
import { allChecks } from '../chain/checks.ts';
import { CHOICE_READS, chooseTarget } from '../detect/choose-target.ts';
import { PATH_READS, pathFromUser } from '../detect/path-from-user.ts';
import { exampleFacts } from '../facts/example-facts.ts';
import type { Facts } from '../facts/facts.ts';
import { partsFor } from '../gate/checks.ts';
import { evaluateGate } from '../gate/evaluate-gate.ts';
import { exampleOptions } from '../gate/example-options.ts';
import { known } from '../observed.ts';
import { PLAN_READS, planUpgrade } from '../phases/plan-upgrade.ts';
import { Settings } from '../settings/settings.ts';

const settings = Settings.parse({});
const FACTS = exampleFacts({ nodes: known([controlPlane('cp-1'), worker('w-1')]) });

/** The parts of the facts that are looked at. */
function readBy(decide: (facts: Facts) => unknown): readonly string[] {
  const read = new Set<string>();
  decide(
    new Proxy(FACTS, {
      get(facts, part, receiver) {
        read.add(String(part));
        return Reflect.get(facts, part, receiver) as unknown;
      },
    }),
  );
  return [...read].filter((part) => part !== 'observedAt');
}

describe('what a command reads of the cluster', () => {
  it.each([
    ['a target', CHOICE_READS, (facts: Facts) => chooseTarget(facts, settings.target)],
    ['a path', PATH_READS, (facts: Facts) => pathFromUser(facts, '1.38.0', settings.target)],
    ['the gate', partsFor(allChecks), (facts: Facts) => evaluateGate(facts, TARGET, allChecks, exampleOptions())],
    ['a plan', PLAN_READS, (facts: Facts) => planUpgrade(facts, TARGET, '1.36.3', settings)],
  ] as const)('is all that %s is made from', (_, reads, decide) => {
    const read = readBy(decide);
    expect(read.filter((part) => !(reads as readonly string[]).includes(part))).toEqual([]);
    expect(read).toContain('nodes');
  });

  it('leaves the pods of a hundred nodes to the plan, which alone tells them', () => {
    const gate = [...CHOICE_READS, ...partsFor(allChecks)];
    expect(gate).not.toContain('drains');
    expect(PLAN_READS).toContain('drains');
  });
});
