import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PodFact } from '../cluster/cluster.ts';
import { planDrain } from './drain-plan.ts';

function pod(name: string, fields: Partial<PodFact> = {}): PodFact {
  return {
    namespace: 'apps',
    name,
    uid: `uid-${name}`,
    node: 'w1',
    phase: 'Running',
    ready: true,
    deleting: false,
    mirror: false,
    owner: { kind: 'ReplicaSet', name: 'web' },
    usesEmptyDir: false,
    labels: {},
    images: ['web:1'],
    terminationGraceSeconds: 30,
    ...fields,
  };
}

const daemon = { kind: 'DaemonSet', name: 'cni' };

describe('planDrain', () => {
  it.each([
    { title: 'evicts the pod of a workload', pod: pod('web'), goes: true },
    { title: 'evicts a pod with an emptyDir', pod: pod('web', { usesEmptyDir: true }), goes: true },
    { title: 'leaves the pod of a DaemonSet', pod: pod('cni', { owner: daemon }), goes: false },
    {
      title: 'evicts the finished pod of a DaemonSet',
      pod: pod('cni', { owner: daemon, phase: 'Failed' }),
      goes: true,
    },
    {
      title: 'leaves a static pod',
      pod: pod('kube-proxy', { mirror: true, owner: { kind: 'Node', name: 'w1' } }),
      goes: false,
    },
    { title: 'evicts a finished bare pod', pod: pod('once', { owner: null, phase: 'Succeeded' }), goes: true },
    { title: 'keeps waiting for a pod that is on its way out', pod: pod('web', { deleting: true }), goes: true },
  ])('$title', ({ pod: one, goes }) => {
    expect(planDrain([one], { deleteBarePods: false })).toEqual({ kind: 'evict', pods: goes ? [one] : [] });
  });

  it('I02 takes a node without pods for a drained one', () => {
    expect(planDrain([], { deleteBarePods: false })).toEqual({ kind: 'evict', pods: [] });
  });

  it('refuses bare pods by name when the policy keeps them', () => {
    const pods = [pod('web'), pod('mine', { owner: null }), pod('yours', { owner: null, namespace: 'b' })];
    expect(planDrain(pods, { deleteBarePods: false })).toEqual({
      kind: 'refused',
      problems: [
        'apps/mine has no owner: nothing would create it again',
        'b/yours has no owner: nothing would create it again',
      ],
    });
    expect(planDrain(pods, { deleteBarePods: true })).toEqual({ kind: 'evict', pods });
  });

  it('never evicts a static pod or a running DaemonSet pod, whatever the policy', () => {
    const fields = fc.record({
      mirror: fc.boolean(),
      owner: fc.constantFrom(null, daemon, { kind: 'ReplicaSet', name: 'web' }),
      phase: fc.constantFrom<PodFact['phase']>('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'),
    });
    fc.assert(
      fc.property(fc.array(fields), fc.boolean(), (list, deleteBarePods) => {
        const plan = planDrain(
          list.map((item, index) => pod(`p${index}`, item)),
          { deleteBarePods },
        );
        if (plan.kind === 'refused') return;
        for (const { mirror, owner, phase } of plan.pods) {
          expect(mirror).toBe(false);
          if (owner?.kind === 'DaemonSet') expect(['Succeeded', 'Failed']).toContain(phase);
        }
      }),
    );
  });
});
