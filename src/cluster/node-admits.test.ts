import { describe, expect, it } from 'vitest';
import { exampleNode } from '../facts/example-facts.ts';
import type { NodeFact, TaintFact } from '../facts/node-fact.ts';
import { admits, isUsable, toleratesTaint } from './node-admits.ts';
import type { PodPlacement, Toleration } from './pod-placement.ts';

const GPU: TaintFact = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };
const PRESSURE: TaintFact = { key: 'node.kubernetes.io/disk-pressure', effect: 'NoSchedule' };
const STARTING: TaintFact = { key: 'node.cloudprovider.kubernetes.io/uninitialized', effect: 'NoSchedule' };
const ANY: Toleration = { operator: 'Exists' };

const node = (fields: Partial<NodeFact> = {}): NodeFact =>
  exampleNode('worker-1', { labels: { zone: 'a', disk: 'ssd' }, ...fields });
const pod = (fields: Partial<PodPlacement> = {}): PodPlacement => ({
  requests: {},
  nodeSelector: {},
  nodeAffinity: null,
  tolerations: [],
  priority: 0,
  ...fields,
});
const labelIn = (key: string, ...values: string[]) => ({ key, operator: 'In', values });

describe('a node admits a pod', () => {
  it.each<[string, Partial<NodeFact>, Partial<PodPlacement>, boolean]>([
    ['that asks for nothing', {}, {}, true],
    ['whose node selector it meets', {}, { nodeSelector: { zone: 'a', disk: 'ssd' } }, true],
    ['unless it misses one label of the node selector', {}, { nodeSelector: { zone: 'a', disk: 'hdd' } }, false],
    ['unless it has none of the labels at all', { labels: {} }, { nodeSelector: { zone: 'a' } }, false],
    [
      'when one of the alternatives of its affinity is met',
      {},
      {
        nodeAffinity: [
          { labels: [labelIn('zone', 'b')], fields: [] },
          { labels: [labelIn('zone', 'a')], fields: [] },
        ],
      },
      true,
    ],
    ['unless no alternative is met', {}, { nodeAffinity: [{ labels: [labelIn('zone', 'b')], fields: [] }] }, false],
    [
      'unless an alternative is met in part only',
      {},
      { nodeAffinity: [{ labels: [labelIn('zone', 'a'), labelIn('disk', 'hdd')], fields: [] }] },
      false,
    ],
    ['unless its affinity has no alternative', {}, { nodeAffinity: [] }, false],
    ['unless the one alternative asks for nothing', {}, { nodeAffinity: [{ labels: [], fields: [] }] }, false],
    [
      'that wants this very node by its name',
      {},
      { nodeAffinity: [{ labels: [], fields: [labelIn('metadata.name', 'worker-1')] }] },
      true,
    ],
    [
      'unless it wants another one by its name',
      {},
      { nodeAffinity: [{ labels: [], fields: [labelIn('metadata.name', 'worker-2')] }] },
      false,
    ],
    [
      'unless the name is right and the labels are not',
      {},
      { nodeAffinity: [{ labels: [labelIn('zone', 'b')], fields: [labelIn('metadata.name', 'worker-1')] }] },
      false,
    ],
    [
      'unless the name is wrong and the labels are right',
      {},
      { nodeAffinity: [{ labels: [labelIn('zone', 'a')], fields: [labelIn('metadata.name', 'worker-2')] }] },
      false,
    ],
    [
      'that wants both the name and the labels that it has',
      {},
      { nodeAffinity: [{ labels: [labelIn('zone', 'a')], fields: [labelIn('metadata.name', 'worker-1')] }] },
      true,
    ],
    [
      'unless a name is compared with its labels',
      { labels: { 'metadata.name': 'worker-2' } },
      { nodeAffinity: [{ labels: [], fields: [labelIn('metadata.name', 'worker-2')] }] },
      false,
    ],
    ['unless it does not tolerate a taint', { taints: [GPU] }, {}, false],
    ['that tolerates the taint', { taints: [GPU] }, { tolerations: [ANY] }, true],
    [
      'unless it tolerates one of two taints only',
      { taints: [GPU, { key: 'dedicated', effect: 'NoExecute' }] },
      { tolerations: [{ key: 'gpu', operator: 'Exists' }] },
      false,
    ],
    ['whatever taint only prefers others', { taints: [{ ...GPU, effect: 'PreferNoSchedule' }] }, {}, true],
    ['whatever taint the cluster has put on it for a while', { taints: [PRESSURE, STARTING] }, {}, true],
    [
      'unless a taint only looks like one of those',
      { taints: [{ ...PRESSURE, key: 'example.com/node.kubernetes.io/disk-pressure' }] },
      {},
      false,
    ],
    ['whatever its state', { ready: 'no', schedulable: false }, {}, true],
  ])('%s', (_title, fields, placement, admitted) => {
    expect(admits(node(fields), pod(placement))).toBe(admitted);
  });
});

describe('a node is usable now', () => {
  it.each<[string, Partial<NodeFact>, Toleration[], boolean]>([
    ['when it is Ready and open', {}, [], true],
    ['not when it is not Ready', { ready: 'no' }, [ANY], false],
    ['not when it does not report', { ready: 'unknown' }, [ANY], false],
    ['not when it is cordoned', { schedulable: false }, [], false],
    ['cordoned, for a pod that tolerates everything', { schedulable: false }, [ANY], true],
    [
      'cordoned, for a pod that tolerates just that',
      { schedulable: false },
      [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' }],
      true,
    ],
    [
      'not when it is cordoned, for a pod that tolerates another effect of it',
      { schedulable: false },
      [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoExecute' }],
      false,
    ],
    ['not with a taint of the moment', { taints: [PRESSURE] }, [], false],
    ['not with a taint of the cloud provider', { taints: [STARTING] }, [], false],
    [
      'not with a taint of the moment beside one that is tolerated',
      { taints: [STARTING, PRESSURE] },
      [{ key: STARTING.key, operator: 'Exists' }],
      false,
    ],
    [
      'with a taint of the moment that only prefers others',
      { taints: [{ ...PRESSURE, effect: 'PreferNoSchedule' }] },
      [],
      true,
    ],
    ['with a lasting taint, which admits() has looked at', { taints: [GPU] }, [], true],
  ])('%s', (_title, fields, tolerations, usable) => {
    expect(isUsable(node(fields), pod({ tolerations }))).toBe(usable);
  });
});

describe('a toleration', () => {
  it.each<[string, Toleration, Partial<TaintFact>, boolean]>([
    ['Exists of the key tolerates any value', { key: 'gpu', operator: 'Exists' }, {}, true],
    ['Exists of another key does not', { key: 'tpu', operator: 'Exists' }, {}, false],
    ['Exists without a key tolerates everything', { operator: 'Exists' }, {}, true],
    ['Exists with an empty key tolerates everything', { key: '', operator: 'Exists', effect: '' }, {}, true],
    ['of the very effect tolerates', { key: 'gpu', operator: 'Exists', effect: 'NoSchedule' }, {}, true],
    ['of another effect does not', { key: 'gpu', operator: 'Exists', effect: 'NoExecute' }, {}, false],
    [
      'without an effect is for all of them',
      { key: 'gpu', operator: 'Exists', effect: null },
      { effect: 'NoExecute' },
      true,
    ],
    ['Equal of key and value tolerates', { key: 'gpu', operator: 'Equal', value: 'yes' }, {}, true],
    ['Equal of another value does not', { key: 'gpu', operator: 'Equal', value: 'no' }, {}, false],
    ['without an operator is Equal, and tolerates the value', { key: 'gpu', value: 'yes' }, {}, true],
    ['without an operator is Equal, and does not tolerate another value', { key: 'gpu', value: 'no' }, {}, false],
    ['with an empty operator is Equal', { key: 'gpu', operator: '', value: 'no' }, {}, false],
    [
      'Equal without a value tolerates a taint without one',
      { key: 'gpu', operator: 'Equal' },
      { value: undefined },
      true,
    ],
    [
      'Equal with a value does not tolerate a taint without one',
      { key: 'gpu', value: 'yes' },
      { value: undefined },
      false,
    ],
    ['Equal without a value does not tolerate a taint with one', { key: 'gpu', operator: 'Equal' }, {}, false],
    ['Equal without a key tolerates nothing', { operator: 'Equal', value: 'yes' }, {}, false],
    ['Equal with a null key tolerates nothing', { key: null, value: 'yes' }, {}, false],
    ['Equal with an empty key tolerates nothing', { key: '', operator: 'Equal', value: 'yes' }, {}, false],
    ['with an operator of a later Kubernetes counts as a yes', { key: 'gpu', operator: 'Gt', value: '1' }, {}, true],
    ['of a later Kubernetes for another key does not', { key: 'tpu', operator: 'Gt', value: '1' }, {}, false],
  ])('%s', (_title, toleration, taint, tolerated) => {
    expect(toleratesTaint([toleration], { ...GPU, ...taint })).toBe(tolerated);
  });

  it('is enough when it is one of several', () => {
    expect(toleratesTaint([{ key: 'tpu', operator: 'Exists' }, ANY], GPU)).toBe(true);
    expect(toleratesTaint([], GPU)).toBe(false);
  });
});
