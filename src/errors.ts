export type ErrorKind = 'usage' | 'config' | 'cluster' | 'node' | 'network' | 'phase' | 'timeout';

/** Exit code 64 (EX_USAGE) is for what the caller can mend by typing or writing something else; everything else is 3. */
const EXIT_CODES: Record<ErrorKind, number> = {
  usage: 64,
  config: 64,
  cluster: 3,
  node: 3,
  network: 3,
  phase: 3,
  timeout: 3,
};

export interface ErrorDetails {
  /** What the reader does now, as a full sentence. */
  readonly remedy?: string;
  readonly cause?: unknown;
}

/**
 * The one base of foreseeable errors. The message says what was being done (gerund), to which object, and what came
 * back; `remedy` says what to do. Adapters throw it, `main` prints it and exits with `exitCode`.
 */
export class NightliftError extends Error {
  override name = 'NightliftError';
  readonly kind: ErrorKind;
  readonly remedy: string | undefined;

  constructor(kind: ErrorKind, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.kind = kind;
    // Nothing to do is no remedy: nobody is told "What to do:" and then nothing.
    this.remedy = details.remedy === '' ? undefined : details.remedy;
  }

  get exitCode(): number {
    return EXIT_CODES[this.kind];
  }
}

/** What cannot be asked by this process, as it is no pod of the cluster: that says nothing about what would have been answered. */
export class NotFromHere extends NightliftError {
  override name = 'NotFromHere';

  constructor(message: string, details: ErrorDetails = {}) {
    super('config', message, details);
  }
}

/**
 * The lock of the chain is not this process's any more, or may not be: it must change nothing, record nothing and take
 * nothing back. Of kind `network`: the next try waits for the lock.
 */
export class LockLost extends NightliftError {
  override name = 'LockLost';
  /** It could not be renewed in time. Nobody is known to have taken it, and it may be taken anew. */
  readonly lapsed: boolean;

  constructor(message: string, details: ErrorDetails & { readonly lapsed?: boolean } = {}) {
    super('network', message, details);
    this.lapsed = details.lapsed === true;
  }
}

/** The text of anything that was thrown, without stack, for messages. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error && error.message === 'fetch failed' ? `: ${reasonOf(error.cause)}` : '';
  return `${error.message}${cause}`;
}
