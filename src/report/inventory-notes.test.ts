import { describe, expect, it } from 'vitest';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import { type Inventory, kindsOf } from '../facts/inventory.ts';
import { known, unknown } from '../observed.ts';
import { inventoryNotes } from './inventory-notes.ts';

const inventory = (at: string, kernel: string): Inventory => ({
  target: '1.36.4',
  at,
  kinds: [...kindsOf([exampleNode('w1', { kernel })])],
});
const BEFORE = inventory('2026-11-20T23:00:00Z', '6.1');
const notes = (after: Inventory | null) =>
  inventoryNotes(exampleFacts({ inventory: known({ before: BEFORE, after }) }), 26);

describe('what changed beside an upgrade', () => {
  it('is told in the morning after', () => {
    expect(notes(inventory('2026-11-21T01:00:00Z', '6.2')).slice(1)).toEqual(['• kernel 6.1 → 6.2: w1']);
  });

  it.each<[string, ReturnType<typeof notes>]>([
    ['a run that has not ended', notes(null)],
    ['a run of another day', notes(inventory('2026-11-19T01:00:00Z', '6.2'))],
    ['nothing that changed', notes(inventory('2026-11-21T01:00:00Z', '6.1'))],
    ['a record that could not be read', inventoryNotes(exampleFacts({ inventory: unknown('no') }), 26)],
  ])('is not told of %s', (_, said) => {
    expect(said).toEqual([]);
  });
});
