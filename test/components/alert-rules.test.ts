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

const ALERTS = join(import.meta.dirname, '../../deploy/alerts');
const namesIn = (file: string) =>
  (parse(readFileSync(join(ALERTS, file), 'utf8')) as { groups: { rules: { alert: string }[] }[] }).groups.flatMap(
    (group) => group.rules.map((rule) => rule.alert),
  );

/** What a real kube-state-metrics says of Jobs that ended in every way there is, as series of promtool. */
const JOBS = readFileSync(join(import.meta.dirname, '../fixtures/recorded/kube-state-metrics/jobs.prom'), 'utf8');
const recorded = [...JOBS.matchAll(/^(kube_job_\w+\{.*\}) (\S+)$/gm)].map(([, series = '', value = '']) => ({
  series,
  value: Number(value),
}));

const asYaml = (items: readonly object[], indent: string) =>
  items.map((item) => `${indent}- ${JSON.stringify(item)}`).join('\n');

const FAILED = ['preflight', 'master', 'worker'].map((phase) => {
  const job = `k8s-upgrade-${phase}-1-36-4${phase === 'worker' ? '-w1' : ''}`;
  return {
    exp_labels: {
      severity: 'warning',
      subsystem: 'k8s-upgrade',
      namespace: 'k8s-upgrade',
      job_name: job,
      condition: 'true',
    },
    exp_annotations: {
      summary: `Job ${job} of the upgrade failed`,
      description: `kubectl -n k8s-upgrade logs job/${job}; the next night replaces it and goes on.`,
    },
  };
});

const filled: Readonly<Record<string, string>> = {
  JOBS: asYaml(
    recorded.map(({ series, value }) => ({ series, values: `${value}x60` })),
    '      ',
  ),
  FAILED: asYaml(FAILED, '          '),
  GOOD: asYaml(
    namesIn('cluster-health.yaml').flatMap((alertname) =>
      ['19m', '35m', '4h'].map((eval_time) => ({ eval_time, alertname, exp_alerts: [] })),
    ),
    '      ',
  ),
};

function promtool(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'nightlift-rules-'));
  const file = join(folder, 'test.yaml');
  const text = readFileSync(join(import.meta.dirname, `${name}.test.yaml`), 'utf8');
  const whole = text.replaceAll(/^[A-Z]+$/gm, (word) => filled[word] ?? word).replace('RULES', ALERTS);
  writeFileSync(file, whole);
  try {
    return execFileSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('deploy/alerts', () => {
  it
    .skipIf(installed('promtool') === undefined)
    .each(['upgrade-gates', 'upgrade-gates-days', 'cluster-health', 'detector'])(
    `%s fires when it should and no longer, says promtool${whyNot('promtool')}`,
    (name) => {
      expect(promtool(name)).toContain('SUCCESS');
    },
  );

  it('I08 knows every way in which a Job fails: kube-state-metrics has no reason for most of them', () => {
    const failed = recorded.filter(
      ({ series, value }) => /^kube_job_failed\{.*condition="true"/.test(series) && value === 1,
    );
    const reasoned = recorded.filter(({ series, value }) => /reason="\w+"/.test(series) && value === 1);
    expect(failed.map(({ series }) => /job_name="([^"]+)"/.exec(series)?.[1] ?? '').toSorted()).toEqual([
      'k8s-upgrade-master-1-36-4',
      'k8s-upgrade-nightly-report-1',
      'k8s-upgrade-preflight-1-36-4',
      'k8s-upgrade-worker-1-36-4-w1',
    ]);
    expect(reasoned.filter(({ series }) => series.includes('preflight'))).toEqual([]);
  });

  it("I21 holds no alert of the chain that would block the chain's own preflight", () => {
    const names = [...namesIn('upgrade-gates.yaml'), ...namesIn('detector.yaml')];
    expect(names).toHaveLength(7);
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
