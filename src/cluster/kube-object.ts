import { z } from 'zod';
import { isAlreadyExists, isConflict, isNotFound } from './kube-error.ts';

/** metadata as far as any part of the adapter looks at it. */
export const ObjectMeta = z.object({
  name: z.string(),
  namespace: z.string().default(''),
  uid: z.string().default(''),
  resourceVersion: z.string().default(''),
  creationTimestamp: z.string().nullish(),
  deletionTimestamp: z.string().nullish(),
  ownerReferences: z
    .array(z.object({ kind: z.string(), name: z.string(), uid: z.string(), controller: z.boolean().nullish() }))
    .nullish(),
  labels: z
    .record(z.string(), z.string())
    .nullish()
    .transform((labels) => labels ?? {}),
  annotations: z
    .record(z.string(), z.string())
    .nullish()
    .transform((annotations) => annotations ?? {}),
});

/** For answers of which nothing is used but that they are an object. */
export const AnyObject = z.looseObject({ kind: z.string().optional() });

/** An API server's time in UTC; null for none or for one that cannot be read, which is never "long ago" (I10). */
export function instant(text: string | null | undefined): string | null {
  const date = new Date(text ?? '');
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** An object that does not exist is an answer: undefined. */
export async function orUndefined<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

const CONFLICTS = 5;

/** Read, decide, patch under that resourceVersion or create; again when somebody else wrote in between. */
export async function onConflictAgain<T>(change: () => Promise<T>): Promise<T> {
  for (let conflicts = 0; ; conflicts += 1) {
    try {
      return await change();
    } catch (error) {
      const isSomebodyElses = isConflict(error) || isAlreadyExists(error);
      if (!isSomebodyElses || conflicts >= CONFLICTS) throw error;
    }
  }
}
