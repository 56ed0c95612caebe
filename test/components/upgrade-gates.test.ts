import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { exampleFacts } from '../../src/facts/example-facts.ts';
import { exampleOptions } from '../../src/gate/example-options.ts';
import { firingAlerts } from '../../src/gate/firing-alerts.ts';
import { known } from '../../src/observed.ts';
import { installed, whyNot } from './component-process.ts';

const RULES = join(import.meta.dirname, '..', '..', 'deploy', 'alerts', 'upgrade-gates.yaml');
const names = (parse(readFileSync(RULES, 'utf8')) as { groups: { rules: { alert: string }[] }[] }).groups.flatMap(
  (group) => group.rules.map((rule) => rule.alert),
);

describe('deploy/alerts/upgrade-gates.yaml', () => {
  it.skipIf(installed('promtool') === undefined)(
    `fires when it should and no longer, says promtool${whyNot('promtool')}`,
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'nightlift-rules-'));
      const file = join(folder, 'test.yaml');
      writeFileSync(
        file,
        readFileSync(join(import.meta.dirname, 'upgrade-gates.test.yaml'), 'utf8').replace('RULES', RULES),
      );
      try {
        expect(execFileSync('promtool', ['test', 'rules', file], { encoding: 'utf8' })).toContain('SUCCESS');
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );

  it("I21 holds no alert that would block the chain's own preflight", () => {
    expect(names).toHaveLength(6);
    const alerts = names.map((name) => ({
      name,
      severity: 'critical',
      state: 'firing' as const,
      activeSince: null,
      summary: '',
      labels: {},
    }));
    const facts = { ...exampleFacts(), alerts: known(alerts) };
    expect(firingAlerts.evaluate(facts, { target: '1.36.4', jump: 'patch', options: exampleOptions() })).toEqual([]);
  });
});
