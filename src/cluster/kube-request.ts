import type { z } from 'zod';

/** The API server's default is JSON Patch whatever the body is, so every patch names its type. */
export const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
} as const;

export interface KubeRequest {
  /** Gerund and object, the start of every error message: 'listing nodes'. */
  readonly doing: string;
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Absolute, with its segments encoded (see `apiPath`). */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly patch?: keyof typeof PATCH_TYPES;
  /** A list as kubectl shows it: a row for each object with its metadata, a fraction of the objects themselves. */
  readonly table?: boolean;
  /** Asked once, and given so long, instead of the patience and the deadline of the client. */
  readonly onceWithinMs?: number;
}

export interface KubeAnswer {
  readonly status: number;
  readonly body: string;
  /** Empty when it has none. */
  readonly contentType: string;
  readonly retryAfterMs: number | undefined;
  /** What the API server's clock showed; undefined when it did not say. */
  readonly date: Date | undefined;
}

/** Called for each try; what it returns is given the elements of the list one by one, as JSON, and what of the answer came before them. */
export type Elements = () => (json: string, before: () => string) => void;

/** Asks for one object and parses it. @throws ClusterError. */
export type ReadObject = <S extends z.ZodType>(
  request: KubeRequest,
  schema: S,
  signal: AbortSignal,
  elements?: Elements,
) => Promise<z.infer<S>>;
