import { z } from 'zod';
import { notes, seconds } from './field.ts';

export const Triggers = z.strictObject({
  forSeconds: seconds(
    60,
    'So long a trigger has to hold before it stops the run; what was over for as long is forgotten.',
    'Pods that have just moved may fail once or twice before what they need is there as well.',
  ),
  crashLoopPercent: z
    .number()
    .min(0)
    .max(100)
    .default(5)
    .meta(
      notes(
        'After a node, the run stops when more of all pods wait in CrashLoopBackOff that were well before the run; 100 = never.',
        { unit: 'percent', reason: 'One program that fails for a reason of its own is no reason to stop.' },
      ),
    ),
  mounts: z
    .boolean()
    .default(true)
    .meta(
      notes('After a node, the run stops when volumes of its pods cannot be attached or mounted.', {
        reason: 'The next node would meet the same driver.',
      }),
    ),
  network: z
    .boolean()
    .default(false)
    .meta(
      notes('After a node, a pod is made on it, and the run stops when it cannot be reached from another node.', {
        reason: 'It makes pods in the namespace, whose image the node has to get (`smoke.image`).',
      }),
    ),
});
