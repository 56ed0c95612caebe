import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { callCli } from '../../test/support/call-cli.ts';
import { exampleFacts } from '../facts/example-facts.ts';
import { known } from '../observed.ts';

const folder = mkdtempSync(join(tmpdir(), 'nightlift-risks-'));
afterAll(() => rmSync(folder, { recursive: true }));

const facts = join(folder, 'facts.json');
const config = join(folder, 'config.yaml');
const calico = { kind: 'DaemonSet', namespace: 'calico-system', name: 'calico-node' } as const;
writeFileSync(
  facts,
  JSON.stringify(
    exampleFacts({
      observedAt: '2026-11-20T23:00:00.000Z',
      workloads: known([{ ...calico, images: ['quay.io/calico/node:v3.30.7'] }]),
    }),
  ),
);

async function ask(command: string, settings: string, ...more: readonly string[]) {
  writeFileSync(config, settings);
  return await callCli([command, '--facts', facts, '--config', config, ...more]);
}
const gate = (settings: string, ...more: readonly string[]) => ask('gate', settings, '--target', '1.37.1', ...more);

describe('what `gate --accept-yaml` prints', () => {
  it('is refused as settings until somebody has said why, and is taken then, by gate and plan alike', async () => {
    const blocked = await gate('{}', '--accept-yaml');
    expect(blocked.code).toBe(2);
    const yaml = blocked.out.slice(blocked.out.indexOf('acceptedRisks:'));
    expect(yaml).toContain('subject: calico 3.30.7');
    expect((await gate(yaml)).code).toBe(64);

    const accepted = await gate(yaml.replaceAll('why: ""', 'why: tried in staging'), '--accept-yaml');
    expect(accepted.out).toContain('(accepted until 2026-12-04: tried in staging)');
    expect(accepted.out).toContain('# nothing refuses that could be accepted');
    expect(accepted.code).toBe(0);
    const plan = await ask('plan', yaml.replaceAll('why: ""', 'why: tried'), '--target', '1.37.1');
    expect(plan.out).toMatch(/^1\.37\.1: safe/m);
  });
});

it('plan and report say when the window is', async () => {
  const window = 'window: { start: "22:00", end: "05:00", timeZone: Europe/Berlin, weekdays: [Monday] }';
  const said =
    'Window: closed (it is Sat 2026-11-21 00:00 Europe/Berlin, and the window does not begin on a Friday); it opens Mon 2026-11-23 22:00 Europe/Berlin';
  const plan = await ask('plan', window, '--target', '1.37.1');
  expect(plan.out.replaceAll(/\s+/g, ' ')).toContain(said);
  const report = await ask('report', window, '--dry-run');
  expect(report.out.replaceAll(/\s+/g, ' ')).toContain(said);
});
