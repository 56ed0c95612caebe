import { describe, expect, it } from 'vitest';
import { lockHolder, rebootingNodes, returnedLock, takenLock } from './kured-lock.ts';

const NOW = new Date('2026-11-21T23:00:00Z');
const HOUR = 3_600_000_000_000;

describe('rebootingNodes', () => {
  it.each([
    ['nobody without the annotation', undefined, []],
    ['nobody with an empty one', '', []],
    ['nobody when the lock was given back', JSON.stringify({ nodeID: '', created: '', TTL: 0 }), []],
    ['the node that holds the lock', JSON.stringify({ nodeID: 'w1', created: '2026-11-21T22:59:00Z', TTL: 0 }), ['w1']],
    [
      'the node whose lock has not ended',
      JSON.stringify({ nodeID: 'w1', created: '2026-11-21T22:30:00Z', TTL: HOUR }),
      ['w1'],
    ],
    [
      'nobody when the lock has ended',
      JSON.stringify({ nodeID: 'w1', created: '2026-11-21T21:30:00Z', TTL: HOUR }),
      [],
    ],
    ['the node whose time cannot be read', JSON.stringify({ nodeID: 'w1', created: 'yesterday', TTL: HOUR }), ['w1']],
    [
      'every node of a shared lock',
      JSON.stringify({
        maxOwners: 2,
        locks: [
          { nodeID: 'w1', created: '', TTL: 0 },
          { nodeID: 'w2', created: '', TTL: 0 },
        ],
      }),
      ['w1', 'w2'],
    ],
    ['nobody with an annotation of spaces', '  ', []],
    [
      'the node whose lock ends at this very moment',
      JSON.stringify({ nodeID: 'w1', created: '2026-11-21T22:00:00Z', TTL: HOUR }),
      ['w1'],
    ],
    [
      'nobody when the lock ended a moment ago',
      JSON.stringify({ nodeID: 'w1', created: '2026-11-21T21:59:59.999Z', TTL: HOUR }),
      [],
    ],
    ['the node of a lock that says no more', JSON.stringify({ nodeID: 'w1' }), ['w1']],
    [
      'the node of a lock that never ends, however old',
      JSON.stringify({ nodeID: 'w1', created: '2020-01-01T00:00:00Z', TTL: 0 }),
      ['w1'],
    ],
    [
      'only those of a shared lock whose time is not over, and each once',
      JSON.stringify({
        maxOwners: 4,
        locks: [
          { nodeID: 'w1' },
          { nodeID: 'w2', created: '2026-11-21T21:30:00Z', TTL: HOUR },
          { nodeID: 'w1' },
          { nodeID: '' },
        ],
      }),
      ['w1'],
    ],
    ['those of both forms in one', JSON.stringify({ nodeID: 'w1', locks: [{ nodeID: 'w2' }] }), ['w2', 'w1']],
    ['those of a list without a number of owners', JSON.stringify({ locks: [{ nodeID: 'w2' }] }), ['w2']],
    [
      'somebody unknown when a name stands beside a list that cannot be read',
      JSON.stringify({ nodeID: '', locks: 7 }),
      ['unknown (the lock cannot be read)'],
    ],
    ['somebody unknown when it is nothing', 'null', ['unknown (the lock cannot be read)']],
    ['somebody unknown when it is a word', '"w1"', ['unknown (the lock cannot be read)']],
    ['nobody for a shared lock without owners', JSON.stringify({ maxOwners: 2, locks: null }), []],
    ['somebody unknown when it cannot be read', '{', ['unknown (the lock cannot be read)']],
    ['somebody unknown when it is something else', '[]', ['unknown (the lock cannot be read)']],
  ])('names %s', (_, annotation, expected) => {
    expect(rebootingNodes(annotation, NOW)).toEqual(expected);
  });
});

const OURS = lockHolder('k8s-upgrade');

describe('rebootingNodes, with a lock of ours', () => {
  it.each([
    ['nobody', { nodeID: OURS }, []],
    ['the others', { locks: [{ nodeID: OURS }, { nodeID: 'w1' }] }, ['w1']],
    ['another install', { nodeID: lockHolder('other') }, ['nightlift:other']],
  ])('names %s', (_, lock, expected) => {
    expect(rebootingNodes(JSON.stringify(lock), NOW, OURS)).toEqual(expected);
  });
});

interface KuredLock {
  readonly nodeID?: string;
  readonly created?: string;
  readonly TTL?: number;
}

/** As kured decides (pkg/daemonsetlock: DaemonSetSingleLock.Acquire and canAcquireMultiple): true when `node` gets it. */
function kuredTakes(annotation: string | null | undefined, node: string, concurrency: number, now = NOW): boolean {
  const isOver = ({ created = '', TTL = 0 }: KuredLock): boolean =>
    TTL > 0 && now.getTime() - Date.parse(created) >= TTL / 1_000_000;
  if (annotation === null || annotation === undefined) return true;
  const found = JSON.parse(annotation) as KuredLock & { readonly locks?: readonly KuredLock[] | null };
  if (concurrency === 1) return isOver(found) || found.nodeID === node;
  const locks = found.locks ?? [];
  return locks.length < concurrency || locks.some(isOver);
}

describe('takenLock', () => {
  it.each([1, 2, 3])('leaves no place to a kured with --concurrency %i, whatever stood there before', (concurrency) => {
    const before = [
      undefined,
      '',
      '{',
      JSON.stringify({ nodeID: 'w1', created: '2026-11-21T21:30:00Z', TTL: HOUR }),
      JSON.stringify({ maxOwners: concurrency, locks: null }),
      JSON.stringify({ maxOwners: concurrency, locks: [{ nodeID: OURS, created: '', TTL: 0 }] }),
    ];
    for (const text of before) {
      const taken = takenLock(text, OURS, concurrency, NOW);
      expect(kuredTakes(taken, 'w1', concurrency)).toBe(false);
      expect(rebootingNodes(taken, NOW, OURS)).toEqual([]);
      expect(rebootingNodes(taken, NOW)).toEqual([OURS]);
    }
  });

  it('takes the places of a list although the DaemonSet says nothing of them', () => {
    const before = JSON.stringify({ maxOwners: 4, locks: [] });
    expect(kuredTakes(takenLock(before, OURS, 1, NOW), 'w1', 4)).toBe(false);
    const absurd = JSON.stringify({ maxOwners: 1e9, locks: [] });
    expect(takenLock(absurd, OURS, 1, NOW).length).toBeLessThan(20_000);
  });

  it('is written in both forms at once, as kured writes them', () => {
    const lock = {
      nodeID: 'nightlift:k8s-upgrade',
      metadata: { unschedulable: false },
      created: '2026-11-21T23:00:00.000Z',
      TTL: 12 * HOUR,
    };
    expect(JSON.parse(takenLock(undefined, OURS, 2, NOW))).toEqual({ ...lock, maxOwners: 2, locks: [lock, lock] });
  });

  it.each([
    [undefined, 0, 1],
    ['{', 3, 3],
    [JSON.stringify({ maxOwners: 2.9, locks: [] }), 1, 2],
    [JSON.stringify({ maxOwners: 2, locks: [] }), 3, 3],
    [JSON.stringify({ maxOwners: -1, locks: null }), 1, 1],
    [JSON.stringify({ locks: [] }), 1, 1],
    [JSON.stringify({ maxOwners: 1e9, locks: [] }), 1, 100],
  ])('has a place for every owner, after %j with --concurrency %i: %i', (before, concurrency, places) => {
    const { maxOwners, locks } = JSON.parse(takenLock(before, OURS, concurrency, NOW)) as {
      maxOwners: number;
      locks: unknown[];
    };
    expect([maxOwners, locks.length]).toEqual([places, places]);
  });

  it('I21 ends by itself after twelve hours, and not before', () => {
    const taken = takenLock(undefined, OURS, 1, NOW);
    const after = (hours: number): Date => new Date(NOW.getTime() + (hours * HOUR) / 1_000_000);
    expect(kuredTakes(taken, 'w1', 1, after(11))).toBe(false);
    expect(kuredTakes(taken, 'w1', 1, after(12))).toBe(true);
  });

  it('names a holder that no node can be called', () => {
    expect(OURS).not.toMatch(/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/);
  });
});

describe('returnedLock', () => {
  it.each([1, 2])('gives every place back to a kured with --concurrency %i', (concurrency) => {
    const rest = returnedLock(takenLock(undefined, OURS, concurrency, NOW), OURS);
    expect(rest).toBeNull();
    expect(kuredTakes(rest, 'w1', concurrency)).toBe(true);
  });

  it.each([
    ['without a lock', undefined],
    ['when a node holds it', JSON.stringify({ nodeID: 'w1', created: '', TTL: 0 })],
    ['when a person holds it', JSON.stringify({ nodeID: 'manual' })],
    ['when another install holds it', JSON.stringify({ nodeID: lockHolder('other') })],
    ['when it cannot be read', '{'],
    ['when its list cannot be read', JSON.stringify({ nodeID: OURS, locks: 7 })],
  ])('leaves it as it is %s', (_, annotation) => {
    expect(returnedLock(annotation, OURS)).toBeUndefined();
  });

  it('leaves the places of others in a list, with all that they wrote', () => {
    const other = { nodeID: 'w1', metadata: { unschedulable: true }, created: '2026-11-21T22:59:00Z', TTL: 0 };
    const { locks } = JSON.parse(takenLock(undefined, OURS, 2, NOW)) as { locks: unknown[] };
    const rest = returnedLock(JSON.stringify({ maxOwners: 3, locks: [...locks, other] }), OURS);
    expect(JSON.parse(rest ?? '')).toEqual({ maxOwners: 3, locks: [other] });
  });

  const other = { nodeID: 'w1', metadata: { unschedulable: true }, created: '', TTL: 0 };
  it.each([
    ['is gone when nothing else stands there', { nodeID: OURS }, null],
    ['is gone with an empty list beside it', { nodeID: OURS, locks: [] }, null],
    ['is gone with an empty name beside its list', { nodeID: '', locks: [{ nodeID: OURS }] }, null],
    ['leaves the list of others', { nodeID: OURS, locks: [other] }, { maxOwners: 1, locks: [other] }],
    ['leaves the name of another beside a list of ours', { ...other, maxOwners: 2, locks: [{ nodeID: OURS }] }, other],
    [
      'leaves both, the name and the list of others',
      { ...other, maxOwners: 2, locks: [{ nodeID: OURS }, { nodeID: 'w2', created: '', TTL: 0 }] },
      { ...other, maxOwners: 2, locks: [{ nodeID: 'w2', created: '', TTL: 0 }] },
    ],
    ['leaves no name where the list has none', { locks: [{ nodeID: OURS }] }, null],
  ])('%s', (_, lock, expected) => {
    const rest = returnedLock(JSON.stringify(lock), OURS);
    expect(rest === null || rest === undefined ? rest : JSON.parse(rest)).toEqual(expected);
  });

  it('leaves the lock of another that stands beside a list of ours, with all that was written', () => {
    const rest = returnedLock(JSON.stringify({ ...other, locks: [{ nodeID: OURS }] }), OURS);
    expect(JSON.parse(rest ?? '')).toMatchObject(other);
  });
});
