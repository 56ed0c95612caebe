/** What a service can be made to do instead of answering as it should. */
export type Fault =
  /** The connection is reset as soon as the request is in. */
  | { readonly kind: 'refuse' }
  /** Nothing is ever answered; the connection stays open. */
  | { readonly kind: 'hang' }
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** 200 with nothing in it. */
  | { readonly kind: 'empty' }
  /** 200 with a page for people, as a captive portal or a login proxy gives it. */
  | { readonly kind: 'garbage' }
  /** The first half of the right answer under its full Content-Length, then a reset. */
  | { readonly kind: 'truncated' }
  /** The right answer, late. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** 302 between two addresses of this server, for ever. */
  | { readonly kind: 'redirect-ring' }
  /** 302 to a host that nobody allowed. */
  | { readonly kind: 'redirect-foreign'; readonly to?: string };

export interface FaultScope {
  /** Only requests whose decoded path (without query) matches; all without it. */
  readonly path?: RegExp;
  readonly method?: string;
  /** How many requests it hits; for ever without it. */
  readonly times?: number;
}

export interface Faults {
  /** The newest matching fault wins. Returns a function that takes this one back. */
  inject(fault: Fault, scope?: FaultScope): () => void;
  clear(): void;
}

export interface FaultBook extends Faults {
  /** The fault that hits this request, counted as used. */
  take(method: string, path: string): Fault | undefined;
}

export function createFaultBook(): FaultBook {
  const entries: { readonly fault: Fault; readonly scope: FaultScope; left: number }[] = [];
  return {
    inject(fault, scope = {}) {
      const entry = { fault, scope, left: scope.times ?? Number.POSITIVE_INFINITY };
      entries.unshift(entry);
      return () => {
        entry.left = 0;
      };
    },
    clear() {
      entries.length = 0;
    },
    take(method, path) {
      const hit = entries.find(
        ({ scope, left }) =>
          left > 0 && (scope.method ?? method) === method && (scope.path === undefined || scope.path.test(path)),
      );
      if (hit !== undefined) hit.left -= 1;
      return hit?.fault;
    },
  };
}
