import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nodeViews } from '../../../test/support/example-deps.ts';
import { Refused } from '../../chain/outcome.ts';
import type { Context } from '../../chain/phase.ts';
import type { Deps } from '../../deps.ts';
import { exampleNode } from '../../facts/example-facts.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
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
function scene(
  options: {
    settings?: object;
    waits?: object;
    results?: readonly DetachedResult[];
    run?: string;
    nodes?: readonly NodeFact[];
  } = {},
) {
  const results = [...(options.results ?? [ended()])];
  const { run = '5f3c1a2b-0000-4000-8000-000000000000' } = options;
  const seen = {
    runOn: [] as string[],
    scripts: [] as string[],
    recorded: [] as unknown[],
    gauges: [] as unknown[],
    warnings: [] as string[],
    told: [] as string[],
  };
  const log = {
    info: (text: string) => void seen.told.push(text),
    warn: (text: string) => void seen.warnings.push(text),
  };
  const deps = {
    settings: Settings.parse({ snapshot: options.settings ?? {}, waits: options.waits ?? {} }),
    clock: { now: () => NOW },
    log,
    templates: {
      node: (name: string) => readFileSync(new URL(`../../../templates/node/${name}.sh`, import.meta.url), 'utf8'),
    },
    cluster: {
      cronJob: async () => undefined,
      ...nodeViews(
        async () =>
          options.nodes ?? [
            exampleNode('cp1', { role: 'control-plane', ready: 'no' }),
            exampleNode('cp2', { role: 'control-plane' }),
            exampleNode('cp3', { role: 'control-plane' }),
          ],
      ),
      namespaceAnnotations: async () => (run === '' ? {} : { 'nightlift/k8s-upgrade-run': run }),
      annotateNamespace: async (_: string, values: unknown) => void seen.recorded.push(values),
    },
    metrics: { push: async (_: string, gauges: unknown) => void seen.gauges.push(gauges) },
    shell: {
      runDetached: async ({ name }: { name: string }, { unit, script }: { unit: string; script: { text: string } }) => {
        seen.runOn.push(`${unit.slice(0, 23)} on ${name}`);
        seen.scripts.push(script.text);
        expect(script.text).toContain(`\nRUN='${run}'\n`);
        return results.shift() ?? ended();
      },
    },
  } as unknown as Deps;
  const { signal } = new AbortController();
  const waiter = { during: (work: (signal: AbortSignal) => unknown) => work(signal) };
  const context = { deps, target: '1.36.4', signal, waiter } as unknown as Context;
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
    expect(seen.told).toEqual(['etcd snapshot taken']);
    expect(seen.recorded).toEqual([
      {
        'nightlift/k8s-upgrade-snapshot-path': 'cp2:/var/lib/nightlift/snapshots/a.db',
        'nightlift/k8s-upgrade-snapshot-bytes': expect.stringMatching(/^\d+$/),
      },
    ]);
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

  it('is asked for by the settings, and and so is how old one may be', async () => {
    const settings = { directory: '/backup', keep: 7, restoreProof: 'off', maxAgeSeconds: 1234 };
    const { seen, take } = scene({ settings, waits: { snapshotSeconds: 321 } });
    await take();
    const text = seen.scripts[0] ?? '';
    for (const line of [
      "TARGET='1.36.4'",
      "REUSE_SECONDS='1234'",
      "DIRECTORY='/backup'",
      "KEEP='7'",
      "RESTORE_PROOF='off'",
      "LIMIT='321'",
    ])
      expect(text).toContain(`\n${line}\n`);
  });

  it.each([
    ['none is Ready', [exampleNode('cp1', { ready: 'no' }), exampleNode('cp2', { ready: 'unknown' })]],
    ['there is none', [exampleNode('worker-1')]],
  ])('fails without a control plane to ask: %s', async (_, nodes) => {
    const { seen, take } = scene({ nodes });
    await expect(take()).rejects.toMatchObject({
      kind: 'cluster',
      message: 'taking the etcd snapshot: no control plane is Ready',
      remedy: expect.stringContaining('Nothing was upgraded') as string,
    });
    expect(seen.runOn).toEqual([]);
  });

  it.each([
    ['was taken an hour ago', ended({ attached: true, takenAt: '2026-11-21T22:10:00Z' }), 1],
    ['was taken a moment before that', ended({ attached: true, takenAt: '2026-11-21T22:09:59Z' }), 2],
    ['is old and was taken by this very Job', ended({ takenAt: '2026-11-21T20:00:00Z' }), 1],
  ])('is taken anew or not when the one that is there %s', async (_, result, times) => {
    const { seen, take } = scene({ results: [result, ended()] });
    await take();
    expect(seen.runOn).toHaveLength(times);
  });

  it.each([
    ['failed', ended({ attached: true, exitCode: 63, takenAt: '2026-11-21T20:00:00Z' }), /exit code 63/],
    ['says nothing', ended({ attached: true, tail: '' }), /printed no line "nightlift-snapshot"/],
  ])('is not tried again at once when the command of an earlier Job %s', async (_, result, message) => {
    const { seen, take } = scene({ results: [result, ended()] });
    await expect(take()).rejects.toThrow(message);
    expect(seen.runOn).toHaveLength(1);
  });

  it('is large enough with just what the settings ask for', async () => {
    const { seen, take } = scene({ results: [ended({ bytes: 1024 })] });
    await take();
    expect(seen.recorded).toHaveLength(1);
  });

  it('refuses with a finding that a person can act on', async () => {
    const finding = await refusal(scene({ results: [ended({ exitCode: 60, tail: FAILED })] }).take());
    expect(finding).toEqual({
      check: 'snapshot',
      reason: 'SnapshotNotPossible',
      class: 'actionable',
      severity: 'block',
      message: 'An etcd snapshot is required and cannot be taken on cp2: 5 bytes are free',
      remedy: 'make room',
    });
  });

  it.each([
    ['node', ended({ tail: '' })],
    ['phase', ended({ bytes: 7 })],
  ])('says that nothing was upgraded when it fails, as an error of kind %s', async (kind, result) => {
    await expect(scene({ results: [result] }).take()).rejects.toMatchObject({
      kind,
      remedy: expect.stringMatching(/nothing was upgraded/i) as string,
    });
  });

  it('belongs to no run when none is recorded', async () => {
    const { seen, take } = scene({ run: '' });
    await take();
    expect(seen.recorded).toHaveLength(1);
  });
});
