import { describe, expect, it } from 'vitest';
import { exampleJob } from '../../test/support/example-deps.ts';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import { known, unknown } from '../observed.ts';
import { markNotes } from './mark-notes.ts';

const AT = '2026-11-21T23:00:00.000Z';
const nodes = known([
  exampleNode('cp-1'),
  exampleNode('worker-1', { pendingSince: AT, excludedSince: AT }),
  exampleNode('worker-2', { pendingSince: AT }),
]);

describe('the marks that a run has left', () => {
  it('are named with their nodes', () => {
    expect(markNotes(exampleFacts({ nodes })).flat()).toEqual([
      { bold: 'Marked by a run that did not end, until the next one:' },
      `• worker-1 (tainted as waiting since ${AT}, out of load balancers since ${AT}), worker-2 (tainted as waiting since ${AT})`,
    ]);
  });

  it.each([
    ['there are none', {}],
    [
      'a chain is at work, which takes them away',
      { nodes, chainJobs: known([exampleJob('k8s-upgrade-worker-1-36-4')]) },
    ],
    ['the nodes are not known', { nodes: unknown('forbidden') }],
  ])('are not a line when %s', (_title, fields) => {
    expect(markNotes(exampleFacts(fields))).toEqual([]);
  });
});
