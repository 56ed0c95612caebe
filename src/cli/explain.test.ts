import { describe, expect, it } from 'vitest';
import { callCli } from '../../test/support/call-cli.ts';
import { allChecks } from '../chain/checks.ts';

describe('nightlift explain', () => {
  it('says what a reason means, what to do, and what the check does that says it', async () => {
    const { code, out } = await callCli(['explain', 'budgetneverallows']);
    expect(code).toBe(0);
    expect(out).toMatch(/^BudgetNeverAllows {2}From the gate/);
    expect(out).toMatch(/^ {2}Means: a PodDisruptionBudget allows nothing/m);
    expect(out).toMatch(/^ {2}Do: one replica more/m);
    expect(out).toMatch(/^Check budgets$/m);
    expect(out).not.toMatch(/[*`]|\]\(/);
  });

  it('says of each check of the gate what it reads', async () => {
    for (const { name } of allChecks) {
      const { out } = await callCli(['explain', name]);
      expect(out).toMatch(new RegExp(`^Check ${name}\\n[^]*Reads: [^]*Refuses when: `));
    }
  });

  it('knows a reason that stands for two things by both', async () => {
    const { out } = await callCli(['explain', 'DiskFull', '-o', 'json']);
    const { meanings } = JSON.parse(out) as { meanings: { of: string; checks: string[] }[] };
    expect(meanings.map(({ of }) => of)).toEqual(['From the gate and the checks of preflight', 'What kubeadm said']);
    expect(meanings[0]?.checks).toContain('disk-room');
  });

  it('lists everything that can be asked, and helps who has mistyped it', async () => {
    expect((await callCli(['explain'])).out).toMatch(
      /Reasons\n {2}AddonFollows, [^]*Checks of the gate\n {2}addon-compat, /,
    );
    const { code, err } = await callCli(['explain', 'BudgetNeverAlows']);
    expect([code, err]).toEqual([64, expect.stringContaining('Did you mean BudgetNeverAllows?')]);
  });
});
