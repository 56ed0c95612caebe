import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunHistory } from '../../../src/facts/run-history.ts';
import type { EmbeddedCluster } from '../../../src/rehearsal/embedded-cluster.ts';
import { runNight } from '../../../src/rehearsal/night.ts';
import { callCli } from '../../support/call-cli.ts';
import { logOf, NIGHT_MS, SMALL, useNights } from '../nights.ts';

const nights = useNights();
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'nightlift-history-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function person({ server }: EmbeddedCluster) {
  const file = join(directory, `kubeconfig-${server.port}`);
  writeFileSync(file, server.kubeconfig());
  return async (...argv: string[]) => await callCli([...argv, '--kubeconfig', file]);
}

function runsOf(text: string): readonly RunHistory[] {
  return (JSON.parse(text) as { runs: unknown[] }).runs.map((run) => RunHistory.parse(run));
}

describe('what runs have written down', { timeout: NIGHT_MS }, () => {
  it('tells of a night that failed and the one that went on, under the rights of its own accounts', async () => {
    await nights.cluster(SMALL, async (cluster) => {
      const call = person(cluster);
      expect((await call('history')).out).toBe('No run has been recorded yet.\n');
      const fault = { match: /^kubeadm upgrade apply/, exitCode: 1, stderr: 'etcd did not answer\n', times: 1 };
      cluster.nodes.commands.fail(fault);
      expect((await runNight(cluster)).outcome, logOf(cluster)).toBe('failed');
      const failed = runsOf((await call('history', '-o', 'json')).out);
      expect(failed.map(({ outcome }) => outcome)).toEqual(['failed']);
      expect((await runNight(cluster)).outcome, logOf(cluster)).toBe('upgraded');

      const [run, ...others] = runsOf((await call('history', '-o', 'json')).out);
      expect(others).toEqual([]);
      expect(run).toMatchObject({ cluster: 'kubernetes', from: '1.36.3', target: '1.36.4', outcome: 'complete' });
      expect(run?.starts.map(({ by, resumed }) => [by, resumed])).toEqual([
        ['detector', false],
        ['detector', true],
      ]);
      expect(run?.steps.map(({ step, outcome }) => `${step} ${outcome}`).toSorted()).toEqual([
        'master control-1 done',
        'postflight done',
        'preflight done',
        'worker worker-1 done',
      ]);
      expect(run?.steps.find(({ step }) => step === 'master control-1')?.attempts).toBe(2);
      expect(run?.before?.map(({ role, kubelet }) => `${role} ${kubelet}`).toSorted()).toEqual([
        'control-plane 1.36.3',
        'worker 1.36.3',
      ]);
      expect(run?.after?.map(({ kubelet }) => kubelet)).toEqual(['1.36.4', '1.36.4']);
      expect(run?.snapshot?.bytes).toBeGreaterThan(0);
      expect(run?.messages.map(({ text }) => text).join('\n')).toMatch(/FAILED[^]*K8s upgrade complete/);
      expect(logOf(cluster)).not.toMatch(/record of the run could not be written/);

      const shown = await call('history', 'show', 'last');
      expect(shown.out).toMatch(/^1\.36\.3 → 1\.36\.4 of kubernetes: complete\n/);
      const markdown = (await call('history', 'show', run?.id.slice(0, 8) ?? '', '-o', 'markdown')).out;
      expect(markdown).toMatch(/^# 1\.36\.3 → 1\.36\.4/);
      expect(markdown).toContain('| STEP | STARTED | TOOK | TRIES | OUTCOME | LONGEST |\n| --- |');
      const wrong = await call('history', 'show', '2020');
      expect([wrong.code, wrong.err]).toEqual([64, expect.stringContaining('there is no such run')]);
    });
  });
});
