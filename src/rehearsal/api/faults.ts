/** What goes wrong with a request that a rule matches. */
export type Fault =
  /** The connection is cut before an answer. For a port that does not listen at all there is `setAvailable(false)`. */
  | { readonly kind: 'refuse' }
  /** No answer ever; the client's own deadline has to end it. */
  | { readonly kind: 'hang' }
  | { readonly kind: 'status'; readonly code: number; readonly message?: string; readonly retryAfterSeconds?: number }
  /** 404 with a page, as the default back end of a load balancer gives it for everything. */
  | { readonly kind: 'default-back-end' }
  /** 200 without a body. */
  | { readonly kind: 'empty' }
  /** 200 with a page of a proxy instead of JSON. */
  | { readonly kind: 'garbage' }
  /** The real answer, cut in the middle. */
  | { readonly kind: 'truncated' }
  /** The real answer, late. */
  | { readonly kind: 'slow'; readonly ms: number };

export interface FaultRule {
  /** All methods when absent. */
  readonly method?: RegExp;
  /** Matched against path and query. */
  readonly path: RegExp;
  /** How many requests meet it; without a number all do, until it is removed. */
  readonly times?: number;
  /** How many matching requests pass before it begins. */
  readonly after?: number;
  /** It begins with the first request for such a path and query. */
  readonly from?: RegExp;
  readonly fault: Fault;
}

interface ActiveRule {
  readonly rule: FaultRule;
  seen: number;
  hasBegun: boolean;
}

export class Faults {
  readonly #active = new Set<ActiveRule>();

  /** Returns what removes the rule. */
  add(rule: FaultRule): () => void {
    const active = { rule, seen: 0, hasBegun: rule.from === undefined };
    this.#active.add(active);
    return () => {
      this.#active.delete(active);
    };
  }

  clear(): void {
    this.#active.clear();
  }

  /** The fault for this request; asking counts as one hit of the rule. */
  next(method: string, pathAndQuery: string): Fault | undefined {
    for (const active of this.#active) {
      const { rule } = active;
      if (!rule.path.test(pathAndQuery) || rule.method?.test(method) === false) continue;
      active.hasBegun ||= rule.from?.test(pathAndQuery) === true;
      if (!active.hasBegun) continue;
      active.seen += 1;
      const hits = active.seen - (rule.after ?? 0);
      if (hits >= 1 && hits <= (rule.times ?? Number.POSITIVE_INFINITY)) return rule.fault;
    }
    return undefined;
  }
}
