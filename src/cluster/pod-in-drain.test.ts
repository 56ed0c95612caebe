import { describe, expect, it } from 'vitest';
import { type ExamplePod, examplePod } from './example-pod.ts';
import { isFinished, leavesInDrain, needsEviction } from './pod-in-drain.ts';

const DAEMON = { kind: 'DaemonSet', name: 'agent' };

describe('a pod on a node that is drained', () => {
  it.each<[string, ExamplePod, { finished: boolean; leaves: boolean; evicted: boolean }]>([
    ['of a Deployment is evicted', {}, { finished: false, leaves: true, evicted: true }],
    ['without an owner is evicted', { owner: null }, { finished: false, leaves: true, evicted: true }],
    ['of an unknown phase is evicted', { phase: 'Unknown' }, { finished: false, leaves: true, evicted: true }],
    [
      'that is pending leaves without an eviction',
      { phase: 'Pending' },
      { finished: false, leaves: true, evicted: false },
    ],
    ['that is being deleted leaves without one', { deleting: true }, { finished: false, leaves: true, evicted: false }],
    ['that has succeeded leaves without one', { phase: 'Succeeded' }, { finished: true, leaves: true, evicted: false }],
    ['that has failed leaves without one', { phase: 'Failed' }, { finished: true, leaves: true, evicted: false }],
    ['of a DaemonSet stays', { owner: DAEMON }, { finished: false, leaves: false, evicted: false }],
    [
      'of a DaemonSet leaves once it has failed',
      { owner: DAEMON, phase: 'Failed' },
      { finished: true, leaves: true, evicted: false },
    ],
    ['that is static stays', { mirror: true, owner: null }, { finished: false, leaves: false, evicted: false }],
    [
      'that is static stays even when it has failed',
      { mirror: true, phase: 'Failed' },
      { finished: true, leaves: false, evicted: false },
    ],
  ])('%s', (_title, fields, want) => {
    const pod = examplePod('web-1', fields);
    expect({ finished: isFinished(pod), leaves: leavesInDrain(pod), evicted: needsEviction(pod) }).toEqual(want);
  });
});
