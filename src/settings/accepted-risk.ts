import { z } from 'zod';
import { date, name, notes, version } from './field.ts';

/** A finding that a person takes upon them, word for word, for one target and until a day. */
export const AcceptedRisk = z
  .strictObject({
    check: name.meta(
      notes('Check of the gate, as it stands in brackets behind the finding.', { reason: 'One finding, not a kind.' }),
    ),
    reason: name.meta(notes('Reason of the finding, behind the check.', { reason: 'One finding, not a kind.' })),
    subject: z
      .string()
      .default('')
      .meta(
        notes(
          'What the finding is about, word for word as `nightlift gate --accept-yaml` prints it. Empty for the reason `Unknown`, which is accepted for all of the check.',
          { reason: 'What has changed is asked anew.' },
        ),
      ),
    target: version.meta(notes('The version for which it is accepted.', { reason: 'The next one is asked anew.' })),
    until: date.meta(
      notes('First day (UTC) on which it refuses again.', { reason: 'What nobody looks at any more does not stay.' }),
    ),
    why: z
      .string()
      .min(1, 'say why: it stands in every report')
      .meta(notes('Why it may be accepted; it is said in every report.', { reason: 'Somebody asks in the morning.' })),
    by: z
      .string()
      .default('')
      .meta(notes('Who accepts it; it is said with it.', { reason: 'Somebody asks in the morning.' })),
  })
  .refine(({ reason, subject }) => (reason === 'Unknown') === (subject === ''), {
    path: ['subject'],
    error: 'give the subject as `nightlift gate --accept-yaml` prints it; only what is Unknown has none',
  });

export type AcceptedRisk = z.infer<typeof AcceptedRisk>;
