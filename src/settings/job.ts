import { z } from 'zod';
import { notes, seconds } from './field.ts';

export const Job = z.strictObject({
  image: z
    .string()
    .default('')
    .meta(
      notes('Image of the chain Jobs; empty = the image of the CronJob k8s-version-check.', {
        reason: 'Detector and chain are the same program.',
      }),
    ),
  deadlineSeconds: seconds(
    14400,
    'activeDeadlineSeconds of a chain Job.',
    'Longer than the longest step: a Job ended in the middle of kubeadm helps nobody (D24).',
  ),
  retries: z
    .number()
    .int()
    .min(0)
    .default(3)
    .meta(
      notes('backoffLimit of a chain Job.', {
        reason:
          'A killed pod is started again and goes on; a failure that was understood (exit code 3) is not repeated (D24).',
      }),
    ),
});

/** The whole settings file. Every field has a default, so an empty file is a valid one. */
