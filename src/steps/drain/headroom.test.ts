import { afterEach, describe, expect, it } from 'vitest';
import { type DrainBench, openDrainBench } from '../../../test/support/drain-test-bench.ts';
import { Refused } from '../../chain/outcome.ts';
import { nodes } from '../../rehearsal/api/resources.ts';
import { headroom } from './headroom.ts';

let bench: DrainBench;
afterEach(async () => {
  await bench.close();
});

const asks = (cpu: string) => ({ containers: [{ name: 'main', image: 'app', resources: { requests: { cpu } } }] });

describe('the look for headroom', { timeout: 30_000 }, () => {
  it('lets a drain begin whose pods fit elsewhere', async () => {
    bench = await openDrainBench();
    await bench.workload('web', 2, { spec: asks('1500m') });
    expect(await bench.run(headroom)).toBeUndefined();
    expect(bench.log).toEqual([]);
  });

  it('refuses with the numbers, and leaves the node as it is', async () => {
    bench = await openDrainBench();
    await bench.workload('web', 3, { spec: asks('1500m') });
    bench.server.requests.clear();
    const error = await bench.run(headroom);
    expect(error).toBeInstanceOf(Refused);
    expect(String(error)).toMatch(
      /Draining n1 would leave a pod without a place: cpu 4500m requested and 4 free, pods 3 requested and 110 free on n2; no place for default\/web-\S+ \(cpu 1500m\)$/,
    );
    expect(bench.server.requests.writes).toEqual([]);
  });

  it('only warns when the settings say so', async () => {
    bench = await openDrainBench({ settings: { drain: { headroom: 'warn' } } });
    await bench.workload('web', 3, { spec: asks('1500m') });
    expect(await bench.run(headroom)).toBeUndefined();
    expect(bench.log.join('\n')).toMatch(/WARN .*cpu 4500m requested and 4 free/);
  });

  it('lets pods that belong to this node wait for it, and names them', async () => {
    bench = await openDrainBench();
    await bench.workload('local', 1, { spec: { ...asks('1'), nodeSelector: { 'kubernetes.io/hostname': 'n1' } } });
    expect(await bench.run(headroom)).toBeUndefined();
    expect(bench.log.join('\n')).toMatch(/WARN these pods are away until the node is back .*default\/local-/);
  });

  it('refuses when the other node is cordoned', async () => {
    bench = await openDrainBench();
    await bench.workload('web', 1);
    bench.server.store.modify(nodes, 'n2', undefined, (draft) => {
      draft.spec.unschedulable = true;
    });
    expect(String(await bench.run(headroom))).toMatch(/every other node that they may run on is cordoned or not Ready/);
  });
});
