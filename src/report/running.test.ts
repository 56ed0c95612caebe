import { describe, expect, it } from 'vitest';
import { controlPlane, worker } from '../../test/support/clusters.ts';
import { exampleFacts } from '../facts/example-facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { known, unknown } from '../observed.ts';
import { describeRunning, kubeletsByVersion } from './running.ts';

const at = (apiServer: string, ...nodes: NodeFact[]) =>
  exampleFacts({ apiServer: known(apiServer), nodes: known(nodes) });

describe('describeRunning', () => {
  it.each([
    {
      title: 'one version everywhere',
      facts: at('1.36.4', controlPlane('cp-1', '1.36.4'), worker('w-1', '1.36.4')),
      want: { uniform: '1.36.4', nodes: 2, nodesOnNewest: 2, halfDone: false },
    },
    {
      title: 'a worker that is behind',
      facts: at('1.36.4', controlPlane('cp-1', '1.36.4'), worker('w-1', '1.36.3'), worker('w-2', '1.36.3')),
      want: { uniform: null, nodes: 3, nodesOnNewest: 1, halfDone: true },
    },
    {
      title: 'an API server that is behind its kubelet',
      facts: at('1.36.4', controlPlane('cp-1', '1.36.4'), controlPlane('cp-2', '1.36.4', { apiServer: '1.36.3' })),
      want: { uniform: null, nodes: 2, nodesOnNewest: 2, oldestApiServer: '1.36.3', newestApiServer: '1.36.4' },
    },
    {
      title: 'a kubelet that is ahead of everything',
      facts: at('1.36.3', controlPlane('cp-1', '1.36.3'), worker('w-1', '1.36.4')),
      want: { uniform: null, nodes: 2, nodesOnNewest: 2, halfDone: false },
    },
  ])('sees $title', ({ facts, want }) => {
    expect(describeRunning(facts)).toMatchObject({ known: true, value: want });
  });

  it('I14 is unknown when the nodes are', () => {
    expect(describeRunning(exampleFacts({ nodes: unknown('refused') }))).toEqual(
      unknown('the nodes could not be read: refused'),
    );
  });
});

describe('kubeletsByVersion', () => {
  it('names the nodes of each version, newest first by number', () => {
    const nodes = [worker('w-1', '1.36.9'), worker('w-2', '1.36.10'), worker('w-3', '1.36.9')];
    expect(kubeletsByVersion(nodes)).toBe('1.36.10 on w-2; 1.36.9 on w-1, w-3');
  });

  it('names five nodes, and counts the others', () => {
    const nodes = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => worker(name));
    expect(kubeletsByVersion(nodes.slice(0, 5))).toBe('1.36.3 on a, b, c, d, e');
    expect(kubeletsByVersion(nodes.slice(0, 6))).toBe('1.36.3 on a, b, c, d, e and 1 more');
    expect(kubeletsByVersion(nodes)).toBe('1.36.3 on a, b, c, d, e and 2 more');
  });
});
