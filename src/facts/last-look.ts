import { z } from 'zod';

/** What the detector's last look came to, as it has written it down itself: that a Pushgateway is away does not make it forgotten. */
export const LastLook = z.object({
  at: z.iso.datetime(),
  outcome: z.enum(['paused', 'unknown', 'nothing', 'refused', 'running', 'dry-run', 'started', 'failed']),
  target: z.string().nullable().describe('X.Y.Z that it went for; null: none'),
  reason: z.string().describe('in words, where the outcome has one; else empty'),
  verdict: z.enum(['blocked', 'held']).nullable().describe('of a refusal'),
  findings: z.array(z.string()).describe('of a refusal: check/reason of each that blocks'),
});

export type LastLook = z.infer<typeof LastLook>;
