import { describe, expect, it } from 'vitest';
import { NIGHT_MS, useNights } from './nights.ts';

const nights = useNights();

describe.concurrent('a night that stops before its end', { timeout: NIGHT_MS }, () => {
  it.each([
    ['blocked', 'an addon that can be upgraded and an API in use stop a minor before anything is changed'],
    ['held', 'I19 an addon without a release for the minor holds it'],
    ['pinned', "the operator's pin holds a minor, with its reason in the report"],
    ['pdb', 'D07 D08 a budget that never lets go ends the drain, is named, and leaves the node in service'],
    ['node-down', 'a worker that goes down keeps the other one from being taken away'],
    ['alert', 'a critical alert halts the chain between two workers'],
    ['nothing', 'without a newer version nothing is changed'],
  ] as const)('%s: %s', async (name, _title) => {
    const { differences } = await nights.scenario(name);
    expect(differences).toEqual([]);
  });
});
