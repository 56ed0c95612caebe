import { afterAll, beforeAll, describe } from 'vitest';
import { deletionContract } from './deletion.ts';
import { errorContract } from './errors.ts';
import { evictionContract } from './eviction.ts';
import { jobContract } from './jobs.ts';
import { placementContract } from './placement.ts';
import { readingContract } from './reading.ts';
import { type Server, Subject } from './subject.ts';
import { workloadContract } from './workloads.ts';
import { writingContract } from './writing.ts';

const START_MS = 90_000;

/** The same behaviours, asked of whichever control plane is started; `missing` says why it cannot be. */
export function describeControlPlane(name: string, start: () => Promise<Server>, missing?: string): void {
  const title = missing === undefined ? name : `${name} was not started: ${missing}`;
  describe.skipIf(missing !== undefined)(`${title}`, () => {
    let current: Subject | undefined;
    const subject = (): Subject => {
      if (current === undefined) throw new Error('the control plane has not been started');
      return current;
    };
    beforeAll(async () => {
      current = new Subject(await start());
    }, START_MS);
    afterAll(async () => {
      await current?.close();
    });
    describe('errors', () => {
      errorContract(subject);
    });
    describe('reading', () => {
      readingContract(subject);
    });
    describe('writing', () => {
      writingContract(subject);
    });
    describe('deletion', () => {
      deletionContract(subject);
    });
    describe('eviction', () => {
      evictionContract(subject);
    });
    describe('jobs', () => {
      jobContract(subject);
    });
    describe('placement', () => {
      placementContract(subject);
    });
    describe('workloads', () => {
      workloadContract(subject);
    });
  });
}
