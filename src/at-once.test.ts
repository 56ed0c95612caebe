import { describe, expect, it } from 'vitest';
import { atOnce } from './at-once.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('atOnce', () => {
  it.each([
    [0, 3, 0],
    [2, 3, 2],
    [50, 20, 20],
    [5, 1, 1],
  ])('works on %i, %i at a time: never more than %i', async (count, limit, most) => {
    let open = 0;
    let seen = 0;
    const items = Array.from({ length: count }, (_, index) => index);
    const answers = await atOnce(items, limit, async (item) => {
      open += 1;
      seen = Math.max(seen, open);
      // The later ones end first.
      for (let turns = 0; turns < 3 - (item % 3); turns += 1) await turn();
      open -= 1;
      return item * 2;
    });
    expect(answers).toEqual(items.map((item) => item * 2));
    expect(seen).toBe(most);
  });

  it('fails with what the first one has thrown, when nothing is under way any more, and begins no other', async () => {
    const begun: number[] = [];
    let open = 0;
    const failing = atOnce([1, 2, 3, 4, 5], 2, async (item) => {
      begun.push(item);
      open += 1;
      await turn();
      open -= 1;
      if (item === 1) throw new Error('one');
    });
    await expect(failing).rejects.toThrow('one');
    expect([begun, open]).toEqual([[1, 2], 0]);
  });
});
