import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeFact } from '../facts/node-fact.ts';
import { firstControlPlane, isOnTarget, type Nodes } from '../facts/nodes.ts';
import { exampleNode } from '../gate/example-facts.ts';
import { nextStep, remainingSteps, tooEarly } from './order.ts';
import { placement } from './placement.ts';
import { type Step, stepName } from './step.ts';

const TARGET = '1.36.4';
const OLD = '1.36.3';

function controlPlane(name: string, version = OLD, fields: Partial<NodeFact> = {}): NodeFact {
  return exampleNode(name, { role: 'control-plane', kubelet: version, apiServer: version, ...fields });
}

function worker(name: string, version = OLD, fields: Partial<NodeFact> = {}): NodeFact {
  return exampleNode(name, { role: 'worker', kubelet: version, apiServer: null, ...fields });
}

const names = (nodes: Nodes) => remainingSteps(nodes, TARGET).map(stepName);

describe('tooEarly', () => {
  const early = (step: Step, ...nodes: Nodes): string | undefined => tooEarly(step, nodes, '1.36.4');
  const w1: Step = { phase: 'worker', node: 'w1' };
  const cp2: Step = { phase: 'master', node: 'cp2' };

  it('I05 never puts a kubelet above an API server of a lower minor, whoever made the Job', () => {
    expect(early(w1, controlPlane('cp1', '1.35.8'), worker('w1', '1.35.8'))).toMatch(/API server of cp1.*1\.35\.8/);
    const halfWay = [controlPlane('cp1', TARGET), controlPlane('cp2', '1.35.8'), worker('w1', '1.35.8')];
    expect(early(w1, ...halfWay)).toMatch(/API server of cp2/);
    expect(early(w1, controlPlane('cp1', '1.35.8', { apiServer: null }), worker('w1', '1.35.8'))).toMatch(/cp1/);
    expect(early(w1, controlPlane('cp1', TARGET), worker('w1', '1.35.8'))).toBeUndefined();
  });

  it('leaves a patch to whoever asks for it, and a worker that has the minor already', () => {
    expect(early(w1, controlPlane('cp1'), worker('w1'))).toBeUndefined();
    expect(early(w1, controlPlane('cp1', '1.35.8'), worker('w1', TARGET))).toBeUndefined();
  });

  it('D19 takes the first control plane before the others', () => {
    expect(early(cp2, controlPlane('cp1'), controlPlane('cp2'))).toMatch(
      /the first control plane, cp1, is on 1\.36\.3/,
    );
    expect(early(cp2, controlPlane('cp1', TARGET), controlPlane('cp2'))).toBeUndefined();
    expect(early({ phase: 'master', node: 'cp1' }, controlPlane('cp1'), controlPlane('cp2'))).toBeUndefined();
  });

  it('says nothing of steps without a node, and of a node that is gone', () => {
    expect(early({ phase: 'preflight' }, controlPlane('cp1', '1.35.8'))).toBeUndefined();
    expect(early(w1, controlPlane('cp1', '1.35.8'))).toBeUndefined();
  });
});

describe('nextStep', () => {
  const rows: { title: string; nodes: Nodes; next: string }[] = [
    {
      title: 'begins with the first control plane by name',
      nodes: [worker('a'), controlPlane('cp2'), controlPlane('cp1')],
      next: 'master cp1',
    },
    {
      title: 'D19 goes on with the second control plane before any worker',
      nodes: [controlPlane('cp1', TARGET), controlPlane('cp2'), worker('w1')],
      next: 'master cp2',
    },
    {
      title: 'goes on with the first worker by name',
      nodes: [controlPlane('cp1', TARGET), worker('w2'), worker('w1')],
      next: 'worker w1',
    },
    {
      title: 'I07 sees a worker that joined meanwhile',
      nodes: [controlPlane('cp1', TARGET), worker('w1', TARGET), worker('new')],
      next: 'worker new',
    },
    {
      title: 'I05 looks at a kubelet that is behind, not only at the API server',
      nodes: [controlPlane('cp1', OLD, { apiServer: TARGET }), worker('w1')],
      next: 'master cp1',
    },
    {
      title: 'looks at an API server that is behind its kubelet',
      nodes: [controlPlane('cp1', TARGET, { apiServer: OLD }), worker('w1')],
      next: 'master cp1',
    },
    {
      title: 'takes a control plane whose API server pod is not seen for one that is behind',
      nodes: [controlPlane('cp1', TARGET, { apiServer: null })],
      next: 'master cp1',
    },
    {
      title: 'I17 comes back to a node on which our cordon is left',
      nodes: [controlPlane('cp1', TARGET), worker('w1', TARGET, { schedulable: false, cordonedBy: TARGET })],
      next: 'worker w1',
    },
    {
      title: "D08 leaves a person's cordon alone",
      nodes: [controlPlane('cp1', TARGET), worker('w1', TARGET, { schedulable: false })],
      next: 'postflight',
    },
    {
      title: 'takes a newer node for finished',
      nodes: [controlPlane('cp1', '1.36.5'), worker('w1', TARGET)],
      next: 'postflight',
    },
    { title: 'ends with postflight', nodes: [controlPlane('cp1', TARGET), worker('w1', TARGET)], next: 'postflight' },
  ];
  it.each(rows)('$title', ({ nodes, next }) => {
    expect(stepName(nextStep(nodes, TARGET))).toBe(next);
  });

  it('I07 leads through every node that is behind, once, whatever order the API lists them in', () => {
    fc.assert(
      fc.property(clusters(), (nodes) => {
        let state = nodes;
        const visited: string[] = [];
        for (let step = nextStep(state, TARGET); step.phase !== 'postflight'; step = nextStep(state, TARGET)) {
          visited.push(stepName(step));
          state = state.map((node) => ('node' in step && node.name === step.node ? finished(node) : node));
          expect(visited.length).toBeLessThanOrEqual(nodes.length);
        }
        expect(['preflight', ...visited, 'postflight']).toEqual(names(nodes.toReversed()));
      }),
    );
  });

  it('never upgrades a worker while a control plane is behind', () => {
    fc.assert(
      fc.property(clusters(), (nodes) => {
        const behind = nodes.some((node) => node.role === 'control-plane' && !isOnTarget(node, TARGET));
        expect(nextStep(nodes, TARGET).phase === 'worker' && behind).toBe(false);
      }),
    );
  });
});

describe('placement', () => {
  const nodes = [controlPlane('cp1'), controlPlane('cp2'), worker('w1'), worker('w2')];
  const rows: { title: string; step: Step; nodes: Nodes; place: string }[] = [
    { title: 'runs preflight on the first worker', step: { phase: 'preflight' }, nodes, place: 'w1' },
    {
      title: "runs a control plane's Job on the first worker",
      step: { phase: 'master', node: 'cp1' },
      nodes,
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
      nodes: [controlPlane('cp1'), worker('w1', OLD, { taints: [{ key: 'gpu', effect: 'NoSchedule' }] }), worker('w2')],
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
        for (const step of remainingSteps(state, TARGET)) {
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

describe('firstControlPlane', () => {
  it('is the same whatever order the API lists the nodes in, upgraded or not', () => {
    fc.assert(
      fc.property(clusters(), (nodes) => {
        expect(firstControlPlane(nodes.toReversed().map(finished))).toBe(firstControlPlane(nodes));
      }),
    );
  });
});

function finished(node: NodeFact): NodeFact {
  return {
    ...node,
    kubelet: TARGET,
    apiServer: node.role === 'worker' ? null : TARGET,
    cordonedBy: null,
    unfinished: null,
  };
}

function clusters(): fc.Arbitrary<Nodes> {
  const taint = fc.record({
    key: fc.constantFrom('node-role.kubernetes.io/control-plane', 'gpu', 'dedicated'),
    effect: fc.constantFrom('NoSchedule' as const, 'PreferNoSchedule' as const, 'NoExecute' as const),
  });
  const fields = fc.record({
    role: fc.constantFrom('control-plane' as const, 'worker' as const),
    kubelet: fc.constantFrom(OLD, TARGET),
    apiServer: fc.constantFrom(OLD, TARGET),
    ready: fc.constantFrom('yes' as const, 'yes' as const, 'no' as const, 'unknown' as const),
    schedulable: fc.boolean(),
    cordonedBy: fc.constantFrom(null, null, TARGET),
    taints: fc.oneof(fc.constant<NodeFact['taints']>([]), fc.array(taint, { maxLength: 2 })),
  });
  return fc
    .array(fields, { minLength: 1, maxLength: 8 })
    .map((list) =>
      list.map((node, index) =>
        exampleNode(`n${(index * 7) % 10}`, { ...node, apiServer: node.role === 'worker' ? null : node.apiServer }),
      ),
    );
}
