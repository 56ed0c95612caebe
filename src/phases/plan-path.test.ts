import { describe, expect, it } from 'vitest';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import type { Facts } from '../facts/facts.ts';
import { exampleOptions } from '../gate/example-options.ts';
import { known } from '../observed.ts';
import { Settings } from '../settings/settings.ts';
import { gatesAhead, planPath, snapshotsOf } from './plan-path.ts';
import { planUpgrade } from './plan-upgrade.ts';

const settings = Settings.parse({});
const WAY = {
  from: '1.35.8',
  target: '1.37.1',
  hops: [
    { version: '1.36.4', why: 'lies between' },
    { version: '1.37.1', why: 'was asked for' },
  ],
};

describe('planPath', () => {
  const drains = known([{ node: 'worker-1', evicts: { shop: 3 } }]);

  it('plans each hop on the cluster as the one before leaves it', () => {
    const facts = exampleFacts({ drains }, '1.35.8');
    const plan = planPath(facts, WAY, settings);
    expect(plan).toMatchObject({ from: '1.35.8', target: '1.37.1', path: ['1.35.8', '1.36.4', '1.37.1'] });
    const [first, second] = plan.hops;
    expect(first).toEqual({ ...planUpgrade(facts, '1.36.4', '1.35.8', settings), why: 'lies between' });
    const later = planUpgrade(exampleFacts({}, '1.36.4'), '1.37.1', '1.36.4', settings);
    expect(second).toEqual({ ...later, why: 'was asked for' });
    expect(plan.seconds).toBe((first?.seconds ?? 0) + (second?.seconds ?? 0));
  });

  it('takes all nodes through the second hop after finishing a half-done first one', () => {
    const nodes = [
      exampleNode('cp-1', { kubelet: '1.36.4' }),
      exampleNode('worker-1', { kubelet: '1.36.4' }),
      exampleNode('worker-2', { kubelet: '1.35.8', cordonedBy: 'nightlift', schedulable: false }),
    ];
    const plan = planPath(exampleFacts({ apiServer: known('1.36.4'), nodes: known(nodes) }), WAY, settings);
    expect(plan.hops.map(({ steps }) => steps.map(({ name }) => name))).toEqual([
      ['preflight', 'worker worker-2', 'postflight'],
      ['preflight', 'master cp-1', 'worker worker-1', 'worker worker-2', 'postflight'],
    ]);
  });

  it('shows a run that is only closed without the same version twice', () => {
    const way = {
      from: '1.36.4',
      target: '1.37.1',
      hops: [
        { version: '1.36.4', why: '' },
        { version: '1.37.1', why: '' },
      ],
    };
    expect(planPath(exampleFacts({}, '1.36.4'), way, settings).path).toEqual(['1.36.4', '1.37.1']);
  });
});

describe('gatesAhead', () => {
  const calico = {
    kind: 'DaemonSet',
    namespace: 'kube-system',
    name: 'calico-node',
    images: ['quay.io/calico/node:v3.32.1'],
  } as const;
  const ahead = (fields: Partial<Facts>) =>
    gatesAhead(exampleFacts(fields, '1.35.8'), WAY, exampleOptions()).map(({ target, verdict, findings }) => [
      target,
      verdict,
      findings.map(({ reason }) => reason),
    ]);

  it('say what is known today of the hops after the first', () => {
    expect(ahead({})).toEqual([['1.37.1', 'safe', []]]);
    expect(ahead({ workloads: known([{ ...calico, images: [...calico.images] }]) })).toEqual([
      ['1.37.1', 'held', ['AddonWaiting']],
    ]);
  });

  it('are asked of the cluster as the hop before leaves it: what 1.36 has removed nobody calls any more', () => {
    const api = { group: 'scheduling.k8s.io', version: 'v1alpha1', resource: 'workloads', removedRelease: '1.36' };
    expect(ahead({ deprecatedApis: known([api]) })).toEqual([['1.37.1', 'safe', []]]);
    const later = { ...api, removedRelease: '1.37' };
    expect(ahead({ deprecatedApis: known([later]) })).toEqual([['1.37.1', 'blocked', ['RemovedApiInUse']]]);
  });
});

it.each([
  [{}, 'by CronJob default/backup-etcd, or without that in /var/lib/nightlift/snapshots of a control plane'],
  [{ own: false }, 'by CronJob default/backup-etcd'],
  [{ cronJob: '' }, 'in /var/lib/nightlift/snapshots of a control plane'],
  [{ cronJob: '', own: false }, 'a snapshot is required, and no way to take one is set'],
  [{ cronJob: '', own: false, required: false }, 'none is taken'],
])('snapshots with %j are taken %s', (snapshot, says) => {
  expect(snapshotsOf(Settings.parse({ snapshot }))).toBe(says);
});
