import type { ReleaseFact } from '../facts/facts.ts';

/** The package feed over HTTP (pkgs.k8s.io and mirrors). */
export interface ReleaseFeed {
  /**
   * null when the feed says that the minor does not exist (403 or 404 on its Release, while that of the minor before is there);
   * throws for any answer that is neither.
   * `architectures` are the nodes', in Debian's names: a version counts when it is there for all of them.
   */
  minor(minor: string, architectures: readonly string[], signal: AbortSignal): Promise<ReleaseFact | null>;
}
