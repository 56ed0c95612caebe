import { expect, test } from 'vitest';
import { renderJobManifest } from '../../src/chain/job-manifest.ts';
import { Refused } from '../../src/chain/outcome.ts';
import { RUN_LEASE, type RunLock, takeRunLock } from '../../src/chain/run-lock.ts';
import { jobName } from '../../src/chain/step.ts';
import { start } from '../../src/detect/detect.ts';
import type { JobFact } from '../../src/facts/facts.ts';
import { CHAIN_SELECTOR } from '../../src/observe/chain-jobs.ts';
import { oneChain } from '../../src/steps/locks/one-chain.ts';
import { type ChainSubject, NAMESPACE, type Process, type ProcessOptions } from './chain-subject.ts';
import { eventually } from './contract/subject.ts';

const PREFLIGHT = { phase: 'preflight' } as const;
const JOBS = `/apis/batch/v1/namespaces/${NAMESPACE}/jobs`;
const LEASE = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/${RUN_LEASE}`;
const QUICK = 'waits: { lockSeconds: 3, alertSeconds: 2 }';

export function twoAtOnceContract(subject: () => ChainSubject): void {
  const chainJobs = async (): Promise<readonly JobFact[]> =>
    await subject().process().deps.cluster.jobs(CHAIN_SELECTOR, new AbortController().signal);
  const clear = async (): Promise<void> => {
    const { cluster } = subject().process().deps;
    for (const { name } of await chainJobs()) await cluster.deleteJob(name, new AbortController().signal);
    await subject().raw('DELETE', LEASE);
  };
  const lock = async ({ deps, context }: Process, by = new AbortController().signal): Promise<RunLock> =>
    await takeRunLock(deps, context(PREFLIGHT, '1.36.4').waiter, by);
  const quick = (more: ProcessOptions): Process => subject().process({ settings: QUICK, ...more });
  const refusalOf = async (attempt: Promise<unknown>): Promise<string> => {
    const error = await attempt.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(Refused);
    return String(error);
  };
  const detections = async (count: number, jobs: readonly JobFact[]) =>
    await Promise.all(
      Array.from({ length: count }, async () => {
        const { deps } = subject().process();
        return await start(deps, '1.36.4', jobs, [], new AbortController().signal);
      }),
    );

  test('I01 eight detections at once make one preflight Job', async () => {
    await clear();
    for (const { kind } of await detections(8, [])) expect(['started', 'running']).toContain(kind);
    expect((await chainJobs()).map(({ name, status }) => [name, status])).toEqual([
      ['k8s-upgrade-preflight-1-36-4', 'active'],
    ]);
  });

  test('I08 detections that find a failed Job replace it once, and never the Job of each other', async () => {
    await clear();
    await detections(1, []);
    await fail('k8s-upgrade-preflight-1-36-4');
    const failed = await chainJobs();
    expect(failed.map(({ status }) => status)).toEqual(['failed']);
    // A new Job is told from the old one by its time, which has whole seconds.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    // The second detection has looked at the failed Job, and deletes only when the first one is through.
    const { deps } = subject().process();
    const late = subject().process();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow: typeof late.deps = {
      ...late.deps,
      cluster: {
        ...late.deps.cluster,
        deleteJob: async (...args) => {
          await held;
          await late.deps.cluster.deleteJob(...args);
        },
      },
    };
    const { signal } = new AbortController();
    const second = start(slow, '1.36.4', failed, [], signal);
    await eventually(() => {
      expect(late.log.join('\n')).toContain('replacing a Job of an earlier run');
      return Promise.resolve();
    });
    await start(deps, '1.36.4', failed, [], signal);
    const uids = async () => (await subject().list(JOBS)).map(({ metadata }) => metadata.uid);
    const made = await uids();
    expect(made).toHaveLength(1);
    release();
    await second;
    expect(await uids()).toEqual(made);
    expect((await chainJobs()).map(({ status }) => status)).toEqual(['active']);
  }, 30_000);

  test('of two chains for two targets the younger one refuses, and names the Job of the older', async () => {
    await clear();
    const { deps, context } = subject().process();
    await detections(1, []);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await byHand(deps, '1.37.1');
    expect(await refusalOf(oneChain.run(context(PREFLIGHT, '1.37.1')))).toMatch(
      /A chain for 1\.36\.4 is running: Job k8s-upgrade-preflight-1-36-4/,
    );
    await oneChain.run(context(PREFLIGHT, '1.36.4'));
  });

  test('of two Jobs one gets the lock; the other waits, refuses in the end and says who holds it', async () => {
    await clear();
    const [one, other] = ['job-a-abcde', 'laptop, process 12'].map((identity) => quick({ identity }));
    if (one === undefined || other === undefined) throw new Error('no process');
    const both = await Promise.allSettled([lock(one), lock(other)]);
    const holders = both.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    const errors = both.flatMap((end) => (end.status === 'rejected' ? [String(end.reason)] : []));
    expect([holders.length, errors.length]).toEqual([1, 1]);
    const { holderIdentity } = (await subject().raw('GET', LEASE)).body.spec;
    expect(errors[0]).toContain(`waiting 2 s for the lock of the chain: ${holderIdentity} holds it`);
    await holders[0]?.release();
    expect((await subject().raw('GET', LEASE)).body.spec.holderIdentity ?? '').toBe('');
  }, 20_000);

  test('the one that waits goes on as soon as the other gives the lock back', async () => {
    await clear();
    const first = await lock(quick({ identity: 'job-a-abcde' }));
    const patient = subject().process({ identity: 'job-b-abcde', settings: 'waits: { lockSeconds: 60 }' });
    const second = lock(patient);
    await eventually(() => {
      expect(patient.log.join('\n')).toContain('job-a-abcde holds it');
      return Promise.resolve();
    });
    await first.release();
    await (await second).release();
  }, 20_000);

  test('a lock whose holder was killed is taken over when its time is over, and at once by the next pod of its Job', async () => {
    await clear();
    const kill = new AbortController();
    await lock(quick({ identity: 'job-a-abcde' }), kill.signal);
    kill.abort();
    const started = Date.now();
    const retried = new AbortController();
    const own = await lock(quick({ identity: 'job-a-fghij' }), retried.signal);
    expect(Date.now() - started).toBeLessThan(1_500);
    expect(own.lost.aborted).toBe(false);
    retried.abort();
    const dead = Date.now();
    const taken = await lock(
      quick({ identity: 'job-b-abcde', settings: 'waits: { lockSeconds: 3, alertSeconds: 30 }' }),
    );
    expect(Date.now() - dead).toBeGreaterThanOrEqual(2_500);
    await taken.release();
  }, 30_000);

  test('the generation of the lock goes up with every holder, by the Lease itself, and stays when it is renewed', async () => {
    await clear();
    const acquired = async (): Promise<string> => (await subject().raw('GET', LEASE)).body.spec.acquireTime;
    const first = await lock(quick({ identity: 'job-a-abcde' }));
    const time = await acquired();
    expect(Date.parse(time)).toBe(first.fence.generation);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await acquired()).toBe(time);
    await first.release();
    expect(await acquired()).toBe(time);
    const second = await lock(quick({ identity: 'job-b-abcde', aheadMs: -3_600_000 }));
    expect(second.fence.generation).toBe(first.fence.generation + 1);
    expect(Date.parse(await acquired())).toBe(second.fence.generation);
    await second.release();
  }, 20_000);

  test('clocks that are an hour ahead or behind take no lock from a holder that lives', async () => {
    await clear();
    const held = await lock(quick({ identity: 'job-a-abcde' }));
    const settings = 'waits: { lockSeconds: 3, alertSeconds: 7 }';
    const attempts = [3_600_000, -3_600_000].map((aheadMs) =>
      refusalOf(lock(quick({ identity: `job${aheadMs}-b-abcde`, aheadMs, settings }))),
    );
    for (const refusal of await Promise.all(attempts)) expect(refusal).toContain('job-a-abcde holds it');
    expect(held.lost.aborted).toBe(false);
    await held.release();
  }, 30_000);

  test('a holder that finds its lock in other hands stops, and does not give back what is not its own', async () => {
    await clear();
    const held = await lock(quick({ identity: 'job-a-abcde' }));
    const merge = { contentType: 'application/merge-patch+json' };
    await subject().raw('PATCH', LEASE, { spec: { holderIdentity: 'job-b-abcde' } }, merge);
    await eventually(() => {
      expect(String(held.lost.reason)).toContain('job-b-abcde holds it now');
      return Promise.resolve();
    });
    await held.release();
    expect((await subject().raw('GET', LEASE)).body.spec.holderIdentity).toBe('job-b-abcde');
    await clear();
  }, 20_000);

  /** As a person makes one from a Job of the chain. */
  async function byHand(deps: Process['deps'], target: string): Promise<void> {
    const name = jobName(PREFLIGHT, target, 'cp');
    const values = { step: PREFLIGHT, target, name, runner: 'w1', image: 'nightlift:test' };
    const manifest = renderJobManifest(deps.templates.job(), values, deps.settings);
    expect(await deps.cluster.createJob(manifest, new AbortController().signal)).toBe('created');
  }

  /** As the Job controller ends a Job whose pod left with an exit code that is not worth another try. */
  async function fail(name: string): Promise<void> {
    const merge = { contentType: 'application/merge-patch+json' };
    await subject().raw('PATCH', `${JOBS}/${name}`, { spec: { activeDeadlineSeconds: 1 } }, merge);
    await eventually(async () => {
      const failed = (await chainJobs()).find((job) => job.name === name);
      expect(failed?.status).toBe('failed');
    }, 15_000);
  }
}
