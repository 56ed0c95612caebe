import { afterEach, describe, expect, it } from 'vitest';
import { type DrainBench, openDrainBench } from '../../../test/support/drain-test-bench.ts';
import { evictable } from './evictable.ts';

let bench: DrainBench | undefined;
afterEach(() => bench?.close());

async function open(drainSeconds: number): Promise<DrainBench> {
  bench = await openDrainBench({ speed: 600, settings: { waits: { drainSeconds } } });
  return bench;
}

describe('before the cordon, on the embedded API server', () => {
  it('a pod that a finalizer has held for long costs no other pod its place', async () => {
    const { workload, pod, cluster, context, run, podsOn, isSchedulable } = await open(1800);
    await workload('web', 3);
    pod('stuck', { metadata: { finalizers: ['example.test/never'] } });
    const signal = new AbortController().signal;
    const [stuck] = (await cluster.pods({ node: 'n1' }, signal)).filter(({ name }) => name === 'stuck');
    if (stuck === undefined) throw new Error('no pod');
    await cluster.evict(stuck, signal);
    await context().deps.clock.sleep(305_000, signal);
    const before = podsOn('n1').map(({ metadata }) => metadata.uid);
    expect(String(await run(evictable))).toMatch(
      /Draining n1 was not begun: default\/stuck should have been gone at \S+ \S+ UTC .* held by the finalizer example.test\/never/,
    );
    expect([podsOn('n1').map(({ metadata }) => metadata.uid), isSchedulable()]).toEqual([before, true]);
  });

  it('a budget that never lets go is waited for while every pod stays where it is', async () => {
    const { workload, budget, run, podsOn, isSchedulable } = await open(600);
    await workload('web', 2);
    await workload('ledger', 1);
    await budget('never', 'ledger', 1);
    const before = podsOn('n1').map(({ metadata }) => metadata.uid);
    expect(String(await run(evictable))).toMatch(
      /Draining n1 was not begun: for 600 s default\/ledger-\S+ was held by budget default\/never: The disruption budget never needs 1 healthy pods and has 1 currently/,
    );
    expect([podsOn('n1').map(({ metadata }) => metadata.uid), isSchedulable()]).toEqual([before, true]);
  });

  it('budgets that let one pod go at a time are no reason to wait', async () => {
    const { workload, budget, run, log } = await open(600);
    await workload('web', 3);
    await budget('web', 'web', 2);
    expect(await run(evictable)).toBeUndefined();
    expect(log.filter((line) => line.includes('waiting'))).toEqual([]);
  });
});
