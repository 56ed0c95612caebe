import { StatusError } from '../api/status-error.ts';
import type { StoreEvent } from '../api/store.ts';
import type { ControllerContext } from './controller-context.ts';

export interface Reconciliation {
  /** Keys of what has to be looked at again after this change. */
  keysOf(event: StoreEvent): readonly string[];
  /** Brings one object nearer to what it should be; a number asks to be called again after so many milliseconds. */
  reconcile(key: string): number | undefined;
  /** Keys that exist when the controller starts. */
  initialKeys(): readonly string[];
}

export interface Reconciler {
  enqueue(key: string, delayMs?: number): void;
  close(): void;
}

const RETRY_MS = 200;

/** Level-triggered work: a key is looked at once however often it changed meanwhile, and never while the API is away. */
export function startReconciler(context: ControllerContext, work: Reconciliation): Reconciler {
  const timers = new Map<string, { readonly timer: NodeJS.Timeout; readonly dueAt: number }>();
  const parked = new Set<string>();
  let closed = false;

  const run = (key: string): void => {
    timers.delete(key);
    if (!context.availability.isUp) {
      parked.add(key);
      return;
    }
    try {
      const again = work.reconcile(key);
      if (again !== undefined) enqueue(key, again);
    } catch (error) {
      // Somebody else wrote in between, or the object is gone: the next look sees it as it is.
      if (!(error instanceof StatusError) || (error.status.code !== 409 && error.status.code !== 404))
        context.onError(error);
      enqueue(key, RETRY_MS);
    }
  };

  const enqueue = (key: string, delayMs = context.reactionMs): void => {
    if (closed) return;
    const dueAt = Date.now() + delayMs;
    const waiting = timers.get(key);
    if (waiting !== undefined && waiting.dueAt <= dueAt) return;
    clearTimeout(waiting?.timer);
    const timer = setTimeout(run, delayMs, key);
    timers.set(key, { timer, dueAt });
  };

  const unsubscribe = context.store.subscribe((event) => {
    for (const key of work.keysOf(event)) enqueue(key);
  });
  const unsubscribeUp = context.availability.subscribe((up) => {
    if (!up) return;
    for (const key of parked) enqueue(key);
    parked.clear();
  });
  for (const key of work.initialKeys()) enqueue(key);

  return {
    enqueue,
    close: () => {
      closed = true;
      unsubscribe();
      unsubscribeUp();
      for (const { timer } of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
