import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusters, finished } from '../../test/support/clusters.ts';
import { firstControlPlane } from './nodes.ts';

describe('firstControlPlane', () => {
  it('is the same whatever order the API lists the nodes in, upgraded or not', () => {
    fc.assert(
      fc.property(clusters(), (nodes) => {
        expect(firstControlPlane(nodes.toReversed().map(finished))).toBe(firstControlPlane(nodes));
      }),
    );
  });
});
