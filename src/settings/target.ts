import { z } from 'zod';
import { isMinor, parseVersion } from '../version.ts';
import { notes, version } from './field.ts';

export const Target = z.strictObject({
  ceiling: z
    .string()
    .refine(
      (text) => text === '' || isMinor(text) || parseVersion(text) === text,
      'give a minor (1.36) or a version (1.36.4)',
    )
    .default('')
    .meta(
      notes('Newest minor or version that is ever taken by itself; empty = no ceiling.', {
        reason: 'None by default: the gate decides.',
      }),
    ),
  skip: z
    .array(version)
    .default([])
    .meta(notes('Versions that are never taken.', { reason: 'For a release known to be bad.' })),
  minimumAgeHours: z
    .number()
    .nonnegative()
    .default(0)
    .meta(
      notes('A version is taken only when the detector has known it this long.', {
        unit: 'hours',
        reason: 'Patches are wanted the same night; raise it to let others find the bugs.',
      }),
    ),
  firstPatchOfMinor: z
    .number()
    .int()
    .nonnegative()
    .default(1)
    .meta(
      notes('First patch of a new minor that is taken: 1 leaves x.y.0 alone.', {
        reason: 'An x.y.0 on the night that it appears is a risk nobody asked for (D05).',
      }),
    ),
  hopsPerNight: z
    .number()
    .int()
    .min(1)
    .default(1)
    .meta(
      notes(
        "How many upgrades the nights' detection makes one after the other: when one is closed, and the window is open, the next detection starts at once, with a gate, a snapshot and a postflight of its own.",
        { unit: 'upgrades', reason: 'A day between two versions shows what the first has broken.' },
      ),
    ),
});
