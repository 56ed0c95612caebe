export type When = 'before' | 'during' | 'after';

/**
 * One process of a pod inside this one. When it is killed at a point nothing that it asked for is ever answered, so that
 * no line of its code runs any more: neither the next one nor a `catch` or `finally`.
 */
export interface Life {
  readonly isDead: () => boolean;
  /** The process comes to a point. True: it dies here. */
  meet(what: string, when: When): boolean;
  /** Something asked through a port: never answered when the process dies before, during or after it. */
  around<T>(what: string, act: () => Promise<T>, canDieDuring?: boolean): Promise<T>;
  enterStep(name: string): void;
}

export interface LifeOptions {
  readonly job: string;
  readonly decide: (key: string) => boolean;
  readonly onDeath: () => void;
}

/** Reads and evictions come as often as a wait lasts and as there are pods: from the second on they are the same point. */
const SAME_FROM = 2;
const AS_OFTEN_AS_IT_TAKES = /^(GET|ssh)|\/eviction$/;

export function createLife({ job, decide, onDeath }: LifeOptions): Life {
  let isDead = false;
  let step = 'the start';
  const counts = new Map<string, number>();
  const steps = new Map<string, number>();
  const numbered = (what: string, when: When): string => {
    const about = `${step} | ${what} | ${when}`;
    const count = (counts.get(about) ?? 0) + 1;
    counts.set(about, count);
    const nth = AS_OFTEN_AS_IT_TAKES.test(what) ? Math.min(count, SAME_FROM) : count;
    return `${job} | ${step} | ${what} ${nth} | ${when}`;
  };
  const meet = (what: string, when: When): boolean => {
    if (isDead) return true;
    if (!decide(numbered(what, when))) return false;
    isDead = true;
    onDeath();
    return true;
  };
  return {
    isDead: () => isDead,
    meet,
    enterStep(name) {
      const count = (steps.get(name) ?? 0) + 1;
      steps.set(name, count);
      step = count === 1 ? name : `${name} (${count})`;
    },
    async around(what, act, canDieDuring = false) {
      if (meet(what, 'before')) return await never();
      if (canDieDuring && meet(what, 'during')) {
        act().catch(() => undefined);
        return await never();
      }
      let result: Awaited<ReturnType<typeof act>>;
      try {
        result = await act();
      } catch (error) {
        if (isDead) return await never();
        throw error;
      }
      return meet(what, 'after') ? await never() : result;
    },
  };
}

export function never(): Promise<never> {
  return new Promise(() => undefined);
}
