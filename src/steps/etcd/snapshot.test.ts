import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Refused } from '../../chain/outcome.ts';
import type { Context } from '../../chain/phase.ts';
import type { Deps } from '../../deps.ts';
import { exampleNode } from '../../facts/example-facts.ts';
import type { DetachedResult } from '../../node/node-shell.ts';
import { Settings } from '../../settings/settings.ts';
import { snapshot } from './snapshot.ts';

const NOW = new Date('2026-11-21T23:10:00Z');
const FAILED = 'nightlift: failed: 5 bytes are free\nnightlift: what to do: make room\n';

function ended(more: Partial<DetachedResult> & { takenAt?: string; bytes?: number } = {}): DetachedResult {
  const { takenAt = '2026-11-21T23:09:00Z', bytes = 8224, ...result } = more;
  const report = {
    path: '/var/lib/nightlift/snapshots/a.db',
    bytes,
    hash: 1,
    revision: 2,
    totalKeys: 3,
    keys: 3,
    restored: true,
    notRestoredWhy: '',
    takenAt,
    target: '1.36.4',
  };
  return { exitCode: 0, attached: false, tail: `nightlift-snapshot\t${JSON.stringify(report)}`, ...result };
}

/** A cluster without a CronJob for snapshots, whose nodes answer as they are told. */
function scene(options: { settings?: object; results?: readonly DetachedResult[] } = {}) {
  const results = [...(options.results ?? [ended()])];
  const seen = { runOn: [] as string[], recorded: [] as unknown[], gauges: [] as unknown[], warnings: [] as string[] };
  const log = { info: () => undefined, warn: (text: string) => void seen.warnings.push(text) };
  const deps = {
    settings: Settings.parse({ snapshot: options.settings ?? {} }),
    clock: { now: () => NOW },
    log,
    templates: {
      node: (name: string) => readFileSync(new URL(`../../../templates/node/${name}.sh`, import.meta.url), 'utf8'),
    },
    cluster: {
      cronJob: async () => undefined,
      nodes: async () => [
        exampleNode('cp1', { role: 'control-plane', ready: 'no' }),
        exampleNode('cp2', { role: 'control-plane' }),
        exampleNode('cp3', { role: 'control-plane' }),
      ],
      namespaceAnnotations: async () => ({ 'nightlift/k8s-upgrade-in-flight': '2026-11-21T23:00:00.000Z' }),
      annotateNamespace: async (_: string, values: unknown) => void seen.recorded.push(values),
    },
    metrics: { push: async (_: string, gauges: unknown) => void seen.gauges.push(gauges) },
    shell: {
      runDetached: async ({ name }: { name: string }, { unit, script }: { unit: string; script: { text: string } }) => {
        seen.runOn.push(`${unit.slice(0, 23)} on ${name}`);
        expect(script.text).toContain("\nRUN='2026-11-21T23:00:00.000Z'\n");
        return results.shift() ?? ended();
      },
    },
  } as unknown as Deps;
  const context = { deps, target: '1.36.4', signal: new AbortController().signal } as unknown as Context;
  return { seen, take: () => snapshot.run(context), skip: async () => await snapshot.skip?.(context) };
}

/** The finding with which a step refuses. */
async function refusal(taking: Promise<void>) {
  const error = await taking.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Refused);
  return (error as Refused).findings[0];
}

describe('a cluster without a CronJob for snapshots', () => {
  it('gets one of our own on the first control plane that is Ready, which is recorded with its node', async () => {
    const { seen, take } = scene();
    await take();
    expect(seen.runOn).toEqual(['nightlift-etcd-snapshot on cp2']);
    expect(seen.recorded).toEqual([{ 'nightlift/k8s-upgrade-snapshot-path': 'cp2:/var/lib/nightlift/snapshots/a.db' }]);
    expect(seen.gauges).toMatchObject([[{ name: 'k8s_upgrade_snapshot_taken', value: 1 }]]);
  });

  it('gets another one when an earlier Job took one long ago and nobody saw it', async () => {
    const { seen, take } = scene({ results: [ended({ attached: true, takenAt: '2026-11-21T20:00:00Z' }), ended()] });
    await take();
    expect(seen.runOn).toHaveLength(2);
    const young = scene({ results: [ended({ attached: true })] });
    await young.take();
    expect(young.seen.runOn).toHaveLength(1);
  });

  it.each([28, 60, 61])(
    'is refused when one cannot be taken there (exit code %i), unless none is required',
    async (exitCode) => {
      const results = [ended({ exitCode, tail: FAILED })];
      const finding = await refusal(scene({ results }).take());
      expect(finding).toMatchObject({ reason: 'SnapshotNotPossible', severity: 'block', remedy: 'make room' });
      expect(finding?.message).toMatch(/on cp2: 5 bytes are free$/);
      const { seen, take } = scene({ results, settings: { required: false } });
      await take();
      expect(seen.warnings).toEqual([expect.stringMatching(/^no etcd snapshot: .*5 bytes are free$/)]);
      expect(seen.recorded).toEqual([]);
    },
  );

  it.each([
    [
      'a snapshot that is not sound',
      ended({ exitCode: 63, tail: FAILED }),
      /taking the etcd snapshot on cp2: .* 63: 5 bytes/,
    ],
    ['a script that says nothing', ended({ tail: 'done' }), /printed no line "nightlift-snapshot"/],
    ['one that is too small', ended({ bytes: 1023 }), /has 1023 bytes, less than 1024/],
  ])('D21 fails for %s, required or not', async (_, result, message) => {
    for (const required of [true, false]) {
      const { seen, take } = scene({ results: [result], settings: { required } });
      await expect(take()).rejects.toThrow(message);
      expect(seen.recorded).toEqual([]);
    }
  });

  it('is refused when ours are switched off and one is required', async () => {
    const finding = await refusal(scene({ settings: { own: false } }).take());
    expect(finding).toMatchObject({ reason: 'SnapshotMissing' });
    expect(finding?.remedy).toContain('snapshot.own');
  });

  it('goes without when nobody wants one', async () => {
    const { seen, take, skip } = scene({ settings: { own: false, required: false } });
    await take();
    expect(seen.runOn).toEqual([]);
    expect(await skip()).toBeUndefined();
    expect(await scene({ settings: { own: false, required: false, cronJob: '' } }).skip()).toMatch(/none is required/);
    expect(await scene({ settings: { required: false, cronJob: '' } }).skip()).toBeUndefined();
  });
});
