/** Works on all of them, so many at a time, in their order; the answers in the same order. Rejects with the first failure, when all that was under way has ended. */
export async function atOnce<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const answers: R[] = [];
  const rest = items.entries();
  let failed = false;
  const one = async (): Promise<void> => {
    for (const [index, item] of rest) {
      try {
        answers[index] = await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
      if (failed) return;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, one));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
  return answers;
}
