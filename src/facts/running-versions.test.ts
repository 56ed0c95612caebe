import { describe, expect, it } from 'vitest';
import { controlPlane, worker } from '../../test/support/clusters.ts';
import { known, type Observed, unknown } from '../observed.ts';
import { exampleFacts } from './example-facts.ts';
import type { Facts } from './facts.ts';
import type { NodeFact } from './node-fact.ts';
import { type RunningVersions, runningVersions } from './running-versions.ts';

const cluster = (apiServer: Observed<string>, ...nodes: NodeFact[]): Partial<Facts> => ({
  apiServer,
  nodes: known(nodes),
});
const SILENT = unknown('no route to host');

describe('the running versions', () => {
  it.each<[string, Partial<Facts>, RunningVersions]>([
    [
      'are one when everything runs it',
      cluster(known('1.36.3'), controlPlane('cp-1'), worker('w1')),
      { oldest: '1.36.3', oldestApiServer: '1.36.3', newestApiServer: '1.36.3', halfDone: false },
    ],
    [
      'I05 are half-done while a kubelet is behind',
      cluster(known('1.36.4'), controlPlane('cp-1', '1.36.4'), worker('w1', '1.36.3')),
      { oldest: '1.36.3', oldestApiServer: '1.36.4', newestApiServer: '1.36.4', halfDone: true },
    ],
    [
      'I05 are half-done while an API server is behind another one',
      cluster(
        known('1.36.4'),
        controlPlane('cp-1', '1.36.4'),
        controlPlane('cp-2', '1.36.3', { kubelet: '1.36.4' }),
        worker('w1', '1.36.4'),
      ),
      { oldest: '1.36.3', oldestApiServer: '1.36.3', newestApiServer: '1.36.4', halfDone: true },
    ],
    [
      'are not half-done when a kubelet is ahead of every API server',
      cluster(known('1.36.3'), controlPlane('cp-1', '1.36.3'), worker('w1', '1.36.4')),
      { oldest: '1.36.3', oldestApiServer: '1.36.3', newestApiServer: '1.36.3', halfDone: false },
    ],
    [
      'count the answer of the endpoint as one more API server',
      cluster(known('1.36.2'), controlPlane('cp-1', '1.36.3'), worker('w1', '1.36.3')),
      { oldest: '1.36.2', oldestApiServer: '1.36.2', newestApiServer: '1.36.3', halfDone: true },
    ],
    [
      'come from the static pods where the endpoint was not read',
      cluster(SILENT, controlPlane('cp-1', '1.36.3'), worker('w1', '1.36.3')),
      { oldest: '1.36.3', oldestApiServer: '1.36.3', newestApiServer: '1.36.3', halfDone: false },
    ],
    [
      'come from the endpoint where no control plane is a node of the cluster',
      cluster(known('1.36.4'), worker('w1', '1.36.3')),
      { oldest: '1.36.3', oldestApiServer: '1.36.4', newestApiServer: '1.36.4', halfDone: true },
    ],
    [
      'do not take an API server on a worker for one',
      cluster(known('1.36.3'), controlPlane('cp-1'), worker('w1', '1.36.3', { apiServer: '1.35.0' })),
      { oldest: '1.36.3', oldestApiServer: '1.36.3', newestApiServer: '1.36.3', halfDone: false },
    ],
    [
      'are compared as numbers',
      cluster(known('1.36.10'), controlPlane('cp-1', '1.36.10'), worker('w1', '1.36.9')),
      { oldest: '1.36.9', oldestApiServer: '1.36.10', newestApiServer: '1.36.10', halfDone: true },
    ],
  ])('%s', (_title, facts, want) => {
    expect(runningVersions(exampleFacts(facts))).toEqual(known(want));
  });

  it.each<[string, Partial<Facts>, string]>([
    ['the nodes could not be read', { nodes: unknown('forbidden') }, 'the nodes could not be read: forbidden'],
    ['there is no node', cluster(known('1.36.3')), 'the list of nodes is empty'],
    [
      'a control plane has no API server pod, whatever the endpoint answers',
      cluster(known('1.36.3'), controlPlane('cp-1'), controlPlane('cp-2', '1.36.3', { apiServer: null })),
      'the version of the API server on cp-2 could not be read: it has no kube-apiserver pod',
    ],
    [
      'no API server says its version',
      cluster(SILENT, worker('w1')),
      'no API server says its version: there is no control plane node, and the endpoint was not read',
    ],
  ])('are not known when %s', (_title, facts, why) => {
    expect(runningVersions(exampleFacts(facts))).toEqual(unknown(why));
  });
});
