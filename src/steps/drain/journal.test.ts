import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn } from '../../../test/support/example-step.ts';
import { examplePod } from '../../cluster/example-pod.ts';
import type { Holdup } from './holdups.ts';
import { readJournal, writeJournal } from './journal.ts';

const SINCE = '2026-11-21T22:59:00.000Z';

function scene(held: Record<string, string> = {}) {
  const writes: unknown[] = [];
  const world = exampleWorld({
    cluster: {
      heldSince: async (node) => (node === 'worker-1' ? held : {}),
      writeHeldSince: async (node, values) => void writes.push([node, values]),
    },
  });
  return { context: contextIn(world), writes };
}

function holdup(name: string, kind: Holdup['kind'] = 'blocked'): Holdup {
  return {
    pod: examplePod(name),
    kind,
    budget: null,
    message: '',
    sinceMs: Date.parse(SINCE),
    againMs: 0,
    note: undefined,
  };
}

describe('the journal of a drain', () => {
  it('is read as it stands on the node', async () => {
    const { context } = scene({ a: SINCE });
    expect(await readJournal(context, 'worker-1')).toEqual(new Map([['a', SINCE]]));
  });

  it('gets in one write all that is held for the first time, beside what stands there', async () => {
    const { context, writes } = scene();
    const journal = new Map([['old', '2026-11-21T22:00:00.000Z']]);
    await writeJournal(context, 'worker-1', journal, [holdup('a'), holdup('b', 'impossible')]);
    const all = { old: '2026-11-21T22:00:00.000Z', 'uid-a': SINCE, 'uid-b': SINCE };
    expect(writes).toEqual([['worker-1', all]]);
    expect(Object.fromEntries(journal)).toEqual(all);
  });

  it.each([
    ['is held by nobody', []],
    ['only waits for a busy server', [holdup('a', 'busy')]],
    ['stands there already', [holdup('old')]],
  ])('is not written for a pod that %s', async (_title, holdups) => {
    const { context, writes } = scene();
    const journal = new Map([['uid-old', '2026-11-21T22:00:00.000Z']]);
    await writeJournal(context, 'worker-1', journal, holdups);
    expect(writes).toEqual([]);
    expect([...journal.keys()]).toEqual(['uid-old']);
  });

  it('is not believed to be written when the write failed', async () => {
    const world = exampleWorld({ cluster: { writeHeldSince: () => Promise.reject(new Error('away')) } });
    const journal = new Map<string, string>();
    await expect(writeJournal(contextIn(world), 'worker-1', journal, [holdup('a')])).rejects.toThrow('away');
    expect(journal.size).toBe(0);
  });
});
