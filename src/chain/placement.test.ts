import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusters, controlPlane, OLD, TARGET, worker } from '../../test/support/clusters.ts';
import { nextStep, stepsOneByOne } from '../../test/support/next-step.ts';
import { type Nodes } from '../facts/nodes.ts';
import { placement } from './placement.ts';
import { type Step } from './step.ts';

describe('placement', () => {
  const nodes = [controlPlane('cp1'), controlPlane('cp2'), worker('w1'), worker('w2')];
  const rows: { title: string; step: Step; nodes: Nodes; place: string }[] = [
    { title: 'runs preflight on a control plane', step: { phase: 'preflight' }, nodes, place: 'cp1' },
    {
      title: "runs a control plane's Job on another control plane",
      step: { phase: 'master', node: 'cp1' },
      nodes,
      place: 'cp2',
    },
    {
      title: "runs a control plane's Job on an upgraded control plane rather than on another",
      step: { phase: 'master', node: 'cp3' },
      nodes: [controlPlane('cp1'), controlPlane('cp2', TARGET), controlPlane('cp3'), worker('w1')],
      place: 'cp2',
    },
    {
      title: "I01 runs the only control plane's Job on the first worker",
      step: { phase: 'master', node: 'cp1' },
      nodes: [controlPlane('cp1'), worker('w1'), worker('w2')],
      place: 'w1',
    },
    {
      title: "runs a worker's Job on an upgraded control plane",
      step: { phase: 'worker', node: 'w1' },
      nodes: [controlPlane('cp1'), controlPlane('cp2', TARGET), worker('w1')],
      place: 'cp2',
    },
    {
      title: 'I20 passes over a worker with a taint that the Job does not tolerate',
      step: { phase: 'preflight' },
      nodes: [worker('w1', OLD, { taints: [{ key: 'gpu', effect: 'NoSchedule' }] }), worker('w2')],
      place: 'w2',
    },
    {
      title: 'I20 passes over nodes that are cordoned or not Ready',
      step: { phase: 'preflight' },
      nodes: [worker('w1', OLD, { schedulable: false }), worker('w2', OLD, { ready: 'unknown' }), worker('w3')],
      place: 'w3',
    },
    {
      title: "tolerates the control plane's taint",
      step: { phase: 'worker', node: 'w1' },
      nodes: [
        controlPlane('cp1', TARGET, {
          taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }],
        }),
        worker('w1'),
      ],
      place: 'cp1',
    },
    {
      title: 'does not mind a taint that only asks for another node',
      step: { phase: 'preflight' },
      nodes: [worker('w1', OLD, { taints: [{ key: 'spot', effect: 'PreferNoSchedule' }] })],
      place: 'w1',
    },
    {
      title: 'I01 runs the Job of the only worker on the control plane',
      step: { phase: 'worker', node: 'w1' },
      nodes: [controlPlane('cp1', TARGET), worker('w1')],
      place: 'cp1',
    },
    { title: 'lets postflight run anywhere', step: { phase: 'postflight' }, nodes, place: 'anywhere' },
  ];
  it.each(rows)('$title', ({ step, nodes: state, place }) => {
    const got = placement(step, state, TARGET);
    expect(got.kind === 'node' ? got.node : got.kind).toBe(place);
  });

  const WHY: { title: string; step: Step; nodes: Nodes; place: object }[] = [
    {
      title: 'preflight on a worker when no control plane can run it',
      step: { phase: 'preflight' },
      nodes: [controlPlane('cp1', OLD, { ready: 'no' }), worker('w1')],
      place: { kind: 'node', node: 'w1', why: 'it is the first worker that can run it' },
    },
    {
      title: 'preflight on a control plane',
      step: { phase: 'preflight' },
      nodes,
      place: { kind: 'node', node: 'cp1', why: 'it is the first control-plane that can run it' },
    },
    {
      title: "the only control plane's Job on a worker",
      step: { phase: 'master', node: 'cp1' },
      nodes: [controlPlane('cp1'), worker('w1')],
      place: {
        kind: 'node',
        node: 'w1',
        why: 'it is the first worker that can run it, and no other control plane can',
      },
    },
    {
      title: "a control plane's Job on another control plane",
      step: { phase: 'master', node: 'cp1' },
      nodes: [controlPlane('cp1'), controlPlane('cp2')],
      place: { kind: 'node', node: 'cp2', why: 'it is a control plane that is not drained by it' },
    },
    {
      title: "a worker's Job on an upgraded control plane",
      step: { phase: 'worker', node: 'w1' },
      nodes: [controlPlane('cp1'), controlPlane('cp2', TARGET), worker('w1'), worker('w2')],
      place: { kind: 'node', node: 'cp2', why: 'it is a control plane that is upgraded already' },
    },
    {
      title: "a worker's Job on a control plane rather than on another worker",
      step: { phase: 'worker', node: 'w1' },
      nodes: [worker('w1'), worker('w2'), controlPlane('cp1')],
      place: { kind: 'node', node: 'cp1', why: 'it is a control plane that is not drained by it' },
    },
    {
      title: "a worker's Job on another worker when no control plane can run it",
      step: { phase: 'worker', node: 'w1' },
      nodes: [controlPlane('cp1', TARGET, { schedulable: false }), worker('w1'), worker('w2')],
      place: {
        kind: 'node',
        node: 'w2',
        why: 'it is the first worker that can run it, and no other control plane can',
      },
    },
    {
      title: 'postflight',
      step: { phase: 'postflight' },
      nodes,
      place: { kind: 'anywhere', why: 'it changes no node' },
    },
  ];
  it.each(WHY)('says why it puts $title', ({ step, nodes: state, place }) => {
    expect(placement(step, state, TARGET)).toEqual(place);
  });

  it.each(['node.kubernetes.io/unschedulable', 'node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'])(
    'does not mind the taint %s, which stays a moment longer than what it follows',
    (key) => {
      const state = [worker('w1', OLD, { taints: [{ key, effect: 'NoSchedule' }] })];
      expect(placement({ phase: 'preflight' }, state, TARGET)).toMatchObject({ kind: 'node', node: 'w1' });
    },
  );

  it('I20 finds a taint that is not tolerated behind one that is', () => {
    const state = [
      controlPlane('cp1', OLD, {
        taints: [
          { key: 'node-role.kubernetes.io/master', effect: 'NoSchedule' },
          { key: 'gpu', effect: 'NoSchedule' },
        ],
      }),
    ];
    expect(placement({ phase: 'preflight' }, state, TARGET)).toEqual({
      kind: 'none',
      rejected: [{ node: 'cp1', why: 'it has the taint gpu:NoSchedule' }],
    });
  });

  it('I20 lets not even postflight run where no node can run it', () => {
    const state = [worker('w1', TARGET, { ready: 'unknown' })];
    expect(placement({ phase: 'postflight' }, state, TARGET)).toEqual({
      kind: 'none',
      rejected: [{ node: 'w1', why: 'its kubelet does not report' }],
    });
  });

  it('I20 says for every node why it cannot run the Job when none can', () => {
    const state = [
      controlPlane('cp1', OLD, { ready: 'no' }),
      worker('w1'),
      worker('w2', OLD, { schedulable: false }),
      worker('w3', OLD, { taints: [{ key: 'gpu', value: 'a', effect: 'NoExecute' }] }),
    ];
    expect(placement({ phase: 'worker', node: 'w1' }, state, TARGET)).toEqual({
      kind: 'none',
      rejected: [
        { node: 'cp1', why: 'it is not Ready' },
        { node: 'w1', why: 'it is the node that is drained' },
        { node: 'w2', why: 'it is cordoned' },
        { node: 'w3', why: 'it has the taint gpu:NoExecute' },
      ],
    });
  });

  it('I01 I20 never returns the drained node, nor one on which the Job cannot be scheduled', () => {
    fc.assert(
      fc.property(clusters(), (state) => {
        for (const step of stepsOneByOne(state, TARGET)) {
          const place = placement(step, state, TARGET);
          if (place.kind !== 'node') continue;
          const node = state.find((item) => item.name === place.node);
          expect('node' in step && step.node === place.node).toBe(false);
          expect(node).toMatchObject({ ready: 'yes', schedulable: true });
          expect(
            node?.taints.every(
              (taint) => taint.effect === 'PreferNoSchedule' || taint.key.startsWith('node-role.kubernetes.io/'),
            ),
          ).toBe(true);
        }
      }),
    );
  });

  describe('of a step that leaves the pods of its node where they are', () => {
    const master: Step = { phase: 'master', node: 'cp1' };
    const HERE = { kind: 'node', node: 'cp1', why: 'it is not drained, and no other node can run it' };

    it.each([
      { title: 'the only node', nodes: [controlPlane('cp1')], place: HERE },
      {
        title: 'its node, when the others are in the way',
        nodes: [controlPlane('cp1'), worker('w1', OLD, { schedulable: false }), worker('w2', OLD, { ready: 'no' })],
        place: HERE,
      },
      { title: 'another node, as long as there is one', nodes: [controlPlane('cp1'), worker('w1')], place: 'w1' },
      {
        title: 'the only node, cordoned: none',
        nodes: [controlPlane('cp1', OLD, { schedulable: false })],
        place: 'none',
      },
      {
        title: 'the only node, not Ready: none',
        nodes: [controlPlane('cp1', OLD, { ready: 'unknown' })],
        place: 'none',
      },
    ])('takes $title', ({ nodes: state, place }) => {
      const got = placement(master, state, TARGET, false);
      if (typeof place === 'object') expect(got).toEqual(place);
      else expect(got.kind === 'node' ? got.node : got.kind).toBe(place);
    });

    it('I01 I20 differs from one that drains only where no other node can run its Job, and takes its own then', () => {
      fc.assert(
        fc.property(clusters(), (state) => {
          for (const step of stepsOneByOne(state, TARGET)) {
            const draining = placement(step, state, TARGET);
            const keeping = placement(step, state, TARGET, false);
            if (draining.kind !== 'none') {
              expect(keeping).toEqual(draining);
              continue;
            }
            const own = state.find(({ name }) => 'node' in step && name === step.node);
            if (keeping.kind === 'none') continue;
            expect(keeping).toMatchObject({ kind: 'node', node: own?.name });
            expect(own).toMatchObject({ ready: 'yes', schedulable: true });
          }
        }),
      );
    });
  });

  it('I20 says none only when every node is unfit for a reason that it names', () => {
    fc.assert(
      fc.property(clusters(), (state) => {
        const place = placement(nextStep(state, TARGET), state, TARGET);
        if (place.kind === 'none')
          expect(place.rejected.map((item) => item.node).toSorted()).toEqual(state.map((node) => node.name).toSorted());
      }),
    );
  });
});
