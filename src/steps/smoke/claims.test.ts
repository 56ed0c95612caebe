import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ExampleWorld, exampleJob, exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn, errorOf, refusalOf } from '../../../test/support/example-step.ts';
import type { JobFact } from '../../facts/facts.ts';
import { READ, WRITE } from './claims.ts';
import { smoke } from './smoke.ts';

const POSTFLIGHT = { phase: 'postflight' } as const;

/** `ends`: how the Jobs end that are made, by w and r at the end of their name; five seconds after they were made. */
function scene(ends: Readonly<Record<string, JobFact['status']>>, phase = 'Bound') {
  const claims = new Map<string, string>();
  const made: string[] = [];
  const world: ExampleWorld = exampleWorld({
    settings: { smoke: { storageClasses: ['fast'] }, waits: { readySeconds: 60, pollSeconds: 5 } },
    cluster: {
      jobs: async () =>
        [...world.jobs.values()].map((job) =>
          world.clock.now().getTime() - Date.parse(job.createdAt) >= 5000
            ? { ...job, status: ends[job.name.at(-1) ?? ''] ?? 'active' }
            : job,
        ),
      createJob: async (manifest) => {
        const { name } = manifest.metadata;
        made.push(name);
        world.seen.created.push(manifest);
        world.jobs.set(name, exampleJob(name, { createdAt: world.clock.now().toISOString() }));
        return 'created';
      },
      claims: async () => [...claims.keys()].map((name) => ({ name, phase })),
      createClaim: async ({ metadata, spec }) => {
        expect(metadata).toMatchObject({ namespace: 'k8s-upgrade', labels: { app: 'k8s-upgrade-probe' } });
        expect(spec).toMatchObject({ storageClassName: 'fast', accessModes: ['ReadWriteOnce'] });
        if (claims.has(metadata.name)) return 'exists';
        claims.set(metadata.name, phase);
        return 'created';
      },
      deleteClaim: async (name) => {
        // A claim goes when no pod uses it any more.
        expect([...world.jobs.keys()]).toEqual([]);
        claims.delete(name);
      },
    },
  });
  return { world, claims, made, run: () => smoke.run(contextIn(world, POSTFLIGHT)) };
}

const DONE = { w: 'complete', r: 'complete' } as const;

describe('a claim', () => {
  it('is written by one pod and read by another, and all of it is removed', async () => {
    const { world, claims, made, run } = scene(DONE);
    await run();
    expect(made.map((name) => name.at(-1))).toEqual(['w', 'r']);
    const [writer, reader] = world.seen.created.map(({ spec }) => JSON.stringify(spec));
    const claim = made[0]?.slice(0, -2) ?? '';
    for (const text of [writer, reader]) expect(text).toContain(`"persistentVolumeClaim":{"claimName":"${claim}"}`);
    expect(writer).toContain('writeFileSync');
    expect(reader).toContain('readFileSync');
    expect([claims.size, world.jobs.size]).toEqual([0, 0]);
  });

  it.each([
    ['does not bind', { w: 'active' }, 'Pending', /fast: the pod that writes has not ended, and the claim is Pending$/],
    ['cannot be written to', { w: 'failed' }, 'Bound', /fast: the pod that writes has failed$/],
    ['has lost its data', { w: 'complete', r: 'failed' }, 'Bound', /did not find what the first one had written$/],
    [
      'is not to be had by a second pod',
      { w: 'complete', r: 'active' },
      'Bound',
      /fast: the pod that reads has not ended$/,
    ],
  ] as const)('that %s is named, and removed', async (_, ends, phase, says) => {
    const { world, claims, run } = scene(ends, phase);
    expect(await refusalOf(run())).toMatchObject([
      {
        reason: 'ClaimsFail',
        message: expect.stringMatching(says) as string,
        remedy: expect.stringMatching(/storageClasses/) as string,
      },
    ]);
    expect([claims.size, world.jobs.size]).toEqual([0, 0]);
  });

  it('of a process that was killed is gone on with', async () => {
    const first = scene({ w: 'active' });
    await refusalOf(first.run());
    const writer = first.made[0] ?? '';
    const next = scene(DONE);
    next.claims.set(writer.slice(0, -2), 'Bound');
    next.world.jobs.set(writer, exampleJob(writer, { createdAt: '2026-11-21T22:00:00Z' }));
    await next.run();
    expect(next.made).toEqual([writer.replace(/w$/, 'r')]);
    expect([next.claims.size, next.world.jobs.size]).toEqual([0, 0]);
  });

  it('that cannot be removed stops nothing, and is said', async () => {
    const { world, run } = scene(DONE);
    world.deps.cluster.deleteClaim = () => Promise.reject(new Error('forbidden'));
    expect(await errorOf(run())).toBeUndefined();
    expect(world.seen.log.map(({ message }) => message)).toContain('claims of probe pods could not be removed');
  });
});

it('what the pods run writes, finds it again, and sees another text', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nightlift-claim-'));
  const run = (script: string, text = 'a') =>
    spawnSync(process.execPath, ['-e', script.replace('/data', folder)], { env: { PROBE_TEXT: text } }).status;
  try {
    expect(run(READ)).not.toBe(0);
    expect(run(WRITE)).toBe(0);
    expect(run(READ)).toBe(0);
    expect(run(READ, 'b')).toBe(1);
    writeFileSync(join(folder, 'nightlift-probe'), '');
    expect(run(READ)).toBe(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
