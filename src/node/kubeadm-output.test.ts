import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { planIsUpToDate, planNamesTarget } from './kubeadm-output.ts';

/** Output of real programs, recorded by the lab. */
function recorded(name: string): string {
  return readFileSync(new URL(`../../test/fixtures/recorded/${name}`, import.meta.url), 'utf8');
}

describe('planNamesTarget', () => {
  it('goes by the line with the command, not by the title', () => {
    const plan = 'Upgrade to the latest version in the v1.35 series:\n\n\tkubeadm upgrade apply v1.36.4\n';
    expect(planNamesTarget(plan, '1.36.4')).toBe(true);
    expect(planNamesTarget(plan, '1.36.40')).toBe(false);
    expect(planNamesTarget(plan, '1.36.3')).toBe(false);
    expect(planNamesTarget('', '1.36.4')).toBe(false);
  });

  it('I13 tells a control plane that is there already from one that is not offered the target', () => {
    const done = '[upgrade/versions] Cluster version: 1.36.4\n[upgrade/versions] kubeadm version: v1.36.4\n';
    expect(planNamesTarget(done, '1.36.4')).toBe(false);
    expect(planIsUpToDate(done, '1.36.4')).toBe(true);
    expect(planIsUpToDate(done, '1.36.5')).toBe(false);
    expect(planIsUpToDate('', '1.36.4')).toBe(false);
  });

  it('reads a recorded plan', (context) => {
    if (!existsSync(new URL('../../test/fixtures/recorded/1.36.4/kubeadm-upgrade-plan.txt', import.meta.url))) {
      context.skip('there is no recording');
    }
    expect(planNamesTarget(recorded('1.36.4/kubeadm-upgrade-plan.txt'), '1.36.4')).toBe(true);
  });
});
