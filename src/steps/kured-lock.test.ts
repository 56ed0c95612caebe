import { describe, expect, it } from 'vitest';
import { rebootingNodes } from './reboot-lock.ts';

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
    ['nobody for a shared lock without owners', JSON.stringify({ maxOwners: 2, locks: null }), []],
    ['somebody unknown when it cannot be read', '{', ['unknown (the lock cannot be read)']],
    ['somebody unknown when it is something else', '[]', ['unknown (the lock cannot be read)']],
  ])('names %s', (_, annotation, expected) => {
    expect(rebootingNodes(annotation, NOW)).toEqual(expected);
  });
});
