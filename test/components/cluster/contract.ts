import { afterAll, beforeAll, describe } from 'vitest';
import { type Bench, type ClusterSubject, openBench } from './bench.ts';
import { describeDrain } from './drain.ts';
import { describeJobs } from './jobs.ts';
import { describeNodes } from './nodes.ts';
import { describeObjects } from './objects.ts';
import { describeWorkloads } from './workloads.ts';

/** What the port promises, asked of an API server: the embedded one and the real one give the same answers. */
export function describeCluster(title: string, start: () => Promise<ClusterSubject>): void {
  describe(`${title}`, () => {
    let opened: Bench | undefined;
    const bench = (): Bench => {
      if (opened === undefined) throw new Error('the control plane is not open');
      return opened;
    };
    beforeAll(async () => {
      opened = await openBench(await start());
    });
    afterAll(() => opened?.close());
    describeNodes(bench);
    describeDrain(bench);
    describeWorkloads(bench);
    describeJobs(bench);
    describeObjects(bench);
  });
}
