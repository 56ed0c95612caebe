import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PodFact } from '../../cluster/cluster.ts';
import { examplePod as pod } from '../../cluster/example-pod.ts';
import { needsEviction } from '../../cluster/pod-in-drain.ts';
import { comesBack, planDrain } from './drain-plan.ts';

const daemon = { kind: 'DaemonSet', name: 'cni' };
const strict = { deleteBarePods: false, deleteEmptyDir: false };
const lenient = { deleteBarePods: true, deleteEmptyDir: true };

describe('planDrain', () => {
  it.each([
    { title: 'evicts the pod of a workload', pod: pod('web'), goes: true },
    { title: 'leaves the pod of a DaemonSet', pod: pod('cni', { owner: daemon }), goes: false },
    {
      title: 'leaves the pod of a DaemonSet with an emptyDir',
      pod: pod('cni', { owner: daemon, usesEmptyDir: true }),
      goes: false,
    },
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
    {
      title: 'evicts a finished bare pod with an emptyDir',
      pod: pod('once', { owner: null, phase: 'Succeeded', usesEmptyDir: true }),
      goes: true,
    },
    { title: 'keeps waiting for a pod that is on its way out', pod: pod('web', { deleting: true }), goes: true },
    {
      title: 'has no say about a bare pod that is on its way out',
      pod: pod('mine', { owner: null, deleting: true }),
      goes: true,
    },
  ])('$title', ({ pod: one, goes }) => {
    expect(planDrain([one], strict)).toEqual({ kind: 'evict', pods: goes ? [one] : [] });
  });

  it('I02 takes a node without pods for a drained one', () => {
    expect(planDrain([], strict)).toEqual({ kind: 'evict', pods: [] });
  });

  it('D07 names every bare pod and every emptyDir when the policy keeps them', () => {
    const bare = pod('mine', { owner: null });
    const both = pod('yours', { owner: null, usesEmptyDir: true });
    const pods = [pod('web'), bare, both];
    expect(planDrain(pods, strict)).toEqual({
      kind: 'refused',
      problems: [
        { kind: 'bare', pod: bare },
        { kind: 'bare', pod: both },
        { kind: 'empty-dir', pod: both },
      ],
    });
    expect(planDrain(pods, lenient)).toEqual({ kind: 'evict', pods });
    expect(planDrain(pods, { ...strict, deleteBarePods: true })).toEqual({
      kind: 'refused',
      problems: [{ kind: 'empty-dir', pod: both }],
    });
  });

  const anyPod = fc
    .record({
      mirror: fc.boolean(),
      owner: fc.constantFrom(null, daemon, { kind: 'ReplicaSet', name: 'web' }, { kind: 'StatefulSet', name: 'db' }),
      phase: fc.constantFrom<PodFact['phase']>('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'),
      deleting: fc.boolean(),
      usesEmptyDir: fc.boolean(),
    })
    .map((fields) => pod('any', fields));
  const rules = fc.record({ deleteBarePods: fc.boolean(), deleteEmptyDir: fc.boolean() });

  it('never evicts a static pod or a running DaemonSet pod, whatever the policy', () => {
    fc.assert(
      fc.property(fc.array(anyPod), rules, (pods, policy) => {
        const plan = planDrain(pods, policy);
        const named = plan.kind === 'evict' ? plan.pods : plan.problems.map((problem) => problem.pod);
        for (const { mirror, owner, phase } of named) {
          expect(mirror).toBe(false);
          if (owner?.kind === 'DaemonSet') expect(['Succeeded', 'Failed']).toContain(phase);
        }
      }),
    );
  });

  it('evicts each pod or leaves it for a reason, and loses nothing that the policy keeps', () => {
    fc.assert(
      fc.property(fc.array(anyPod), rules, (pods, policy) => {
        const plan = planDrain(pods, policy);
        if (plan.kind === 'refused') {
          expect(policy.deleteBarePods && policy.deleteEmptyDir).toBe(false);
          return;
        }
        for (const one of pods.filter((each) => !plan.pods.includes(each)))
          expect(one.mirror || one.owner?.kind === 'DaemonSet').toBe(true);
        for (const one of plan.pods.filter((each) => needsEviction(each) || each.phase === 'Pending')) {
          if (one.deleting || one.phase === 'Succeeded' || one.phase === 'Failed') continue;
          if (!policy.deleteBarePods) expect(one.owner).not.toBeNull();
          if (!policy.deleteEmptyDir) expect(one.usesEmptyDir).toBe(false);
        }
      }),
    );
  });
});

describe('comesBack', () => {
  it.each([
    ['a pod that tolerates everything', [{ operator: 'Exists' }], true],
    [
      'a pod that tolerates the cordon by name',
      [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' }],
      true,
    ],
    [
      'a pod with what every pod tolerates',
      [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' }],
      false,
    ],
    ['a pod that tolerates nothing', [], false],
  ])('is asked about %s', (_title, tolerations, want) => {
    expect(comesBack(pod('web', { placement: { tolerations } }))).toBe(want);
  });
});
