import { z } from 'zod';
import { VersionText } from './node-fact.ts';

const Time = z.iso.datetime();

/** How the cluster fares that takes a version before this one does. */
export const StagingFact = z.object({
  source: z.string().describe('where it was asked'),
  ran: z
    .array(
      z.object({
        version: VersionText.describe('X.Y.Z that all of it ran, which is the oldest of its versions'),
        from: Time,
        to: Time.nullable().describe('null: it runs it now'),
      }),
    )
    .describe('oldest first, as far back as is known'),
  reds: z
    .array(
      z.object({
        at: Time.describe('the last that was seen of it'),
        what: z.string(),
        alert: z.string().nullable().describe('name of the alert; null: a run that failed or was refused'),
        severity: z.string(),
      }),
    )
    .describe('what had to wake somebody there'),
});

export type StagingFact = z.infer<typeof StagingFact>;
