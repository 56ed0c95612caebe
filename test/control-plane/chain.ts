import { afterAll, beforeAll, describe } from 'vitest';
import { ChainSubject } from './chain-subject.ts';
import type { Server } from './contract/subject.ts';
import { restartOwnerContract } from './restart-owner.ts';
import { twoAtOnceContract } from './two-at-once.ts';

/** What several Jobs and people do to one cluster at the same time, asked of the embedded API server and of a real one. */
export function describeChain(name: string, start: () => Promise<Server>, missing?: string): void {
  const title = missing === undefined ? name : `${name} was not started: ${missing}`;
  describe.skipIf(missing !== undefined)(`${title}`, () => {
    let current: ChainSubject | undefined;
    const subject = (): ChainSubject => {
      if (current === undefined) throw new Error('the control plane has not been started');
      return current;
    };
    beforeAll(async () => {
      current = new ChainSubject(await start());
      await current.furnish('1.36.3');
    }, 90_000);
    afterAll(async () => {
      await current?.close();
    });
    describe('two at once', () => {
      twoAtOnceContract(subject);
    });
    describe('restart-owner', () => {
      restartOwnerContract(subject);
    });
  });
}
