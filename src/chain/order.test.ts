import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusters, controlPlane, finished, OLD, TARGET, worker } from '../../test/support/clusters.ts';
import { nextStep, stepsOneByOne } from '../../test/support/next-step.ts';
import { isOnTarget, type Nodes } from '../facts/nodes.ts';
import { tooEarly } from './order.ts';
import { type Step, stepName } from './step.ts';

const names = (nodes: Nodes) => stepsOneByOne(nodes, TARGET).map(stepName);

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

  it('counts an API server that is not seen as new as its kubelet', () => {
    expect(early(cp2, controlPlane('cp1', OLD, { apiServer: null }), controlPlane('cp2'))).toBe(
      'the first control plane, cp1, is on 1.36.3, and kubeadm upgrades it before cp2',
    );
    expect(early(cp2, controlPlane('cp1', TARGET, { apiServer: null }), controlPlane('cp2'))).toBeUndefined();
    expect(early(w1, controlPlane('cp1', '1.35.8', { apiServer: null }), worker('w1', '1.35.8'))).toBe(
      'the kubelet of w1 would be newer than the API server of cp1, which is on 1.35.8',
    );
  });

  it('lets a control plane follow a first one that is newer than the target', () => {
    expect(early(cp2, controlPlane('cp1', '1.36.5'), controlPlane('cp2'))).toBeUndefined();
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

describe('remainingSteps', () => {
  it('are those of the nodes that are behind, control planes first, between preflight and postflight', () => {
    const nodes = [
      worker('w2'),
      worker('w1', TARGET),
      worker('w3', TARGET, { cordonedBy: TARGET }),
      controlPlane('cp2'),
      controlPlane('cp1', TARGET),
    ];
    expect(stepsOneByOne(nodes, TARGET)).toEqual([
      { phase: 'preflight' },
      { phase: 'master', node: 'cp2' },
      { phase: 'worker', node: 'w2' },
      { phase: 'worker', node: 'w3' },
      { phase: 'postflight' },
    ]);
  });
});
