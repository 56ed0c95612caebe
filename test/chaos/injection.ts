import type { InProcessOptions } from './in-process-deps.ts';

export interface Injection {
  /** What the phase is run with: another address, a shorter deadline, another key. */
  readonly options: Partial<InProcessOptions>;
  /** How often the fault was met: a case in which it never was proves nothing. */
  hits(): number;
  end(): Promise<void>;
}

/** A deadline that ends a case soon, and that a busy machine still keeps when nothing hangs. */
export const SHORT_MS = 400;

export const NOTHING_TO_END = (): Promise<void> => Promise.resolve();
