import { z } from 'zod';

/**
 * A three-valued answer: what was read, or why it could not be read. Nothing in the program turns the second into
 * "no" or "none" (I10, I14, D02, D09).
 */
export type Observed<T> =
  | { readonly known: true; readonly value: T }
  | {
      readonly known: false;
      readonly why: string;
      /** It was asked from outside the cluster, which cannot reach it: the cluster may. Absent: no. */
      readonly notFromHere?: true | undefined;
    };

export function known<T>(value: T): Observed<T> {
  return { known: true, value };
}

export function unknown<T = never>(why: string): Observed<T> {
  return { known: false, why };
}

const NOT_ASKED = 'it was not asked for';

/** Of what nobody has tried to read: whoever wants to judge by it has to say so. */
export function notAsked<T = never>(): Observed<T> {
  return unknown(NOT_ASKED);
}

export function isAsked(observed: Observed<unknown>): boolean {
  return observed.known || observed.why !== NOT_ASKED;
}

export function observedSchema<S extends z.ZodType>(value: S) {
  return z.discriminatedUnion('known', [
    z.object({ known: z.literal(true), value }),
    z.object({
      known: z.literal(false),
      why: z.string().describe('what was asked, and what came back instead'),
      notFromHere: z
        .literal(true)
        .optional()
        .describe('it was asked from outside the cluster, which cannot reach it; absent: no'),
    }),
  ]);
}
