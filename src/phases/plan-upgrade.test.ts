import { describe, expect, it } from 'vitest';
import { controlPlane, TARGET, worker } from '../../test/support/clusters.ts';
import { exampleFacts } from '../facts/example-facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import type { Nodes } from '../facts/nodes.ts';
import { known, unknown } from '../observed.ts';
import { Settings } from '../settings/settings.ts';
import { phaseOf } from './phases.ts';
import { planUpgrade, type UpgradePlan } from './plan-upgrade.ts';

const settings = Settings.parse({ waits: { soakSeconds: 600 } });

function plan(nodes: Nodes, target = TARGET, from = '1.36.3'): UpgradePlan {
  return planUpgrade(exampleFacts({ nodes: known([...nodes]) }), target, from, settings);
}

/** [name, runner] of each step. */
const placed = ({ steps }: UpgradePlan) => steps.map(({ name, runner }) => [name, runner]);
const whyOf = ({ steps }: UpgradePlan, name: string) => steps.find((step) => step.name === name)?.why;

describe('planUpgrade', () => {
  it('names what is left out', () => {
    const leftOut = [{ name: 'win-1', kubelet: 'v1.36.3', why: 'it runs Windows' }];
    const facts = exampleFacts({ nodes: known([controlPlane('cp-1')]), otherNodes: known(leftOut) });
    expect(planUpgrade(facts, TARGET, '1.36.3', settings).leftOut).toEqual(leftOut);
  });

  const nodes = [worker('w-2'), controlPlane('cp-2'), worker('w-1'), controlPlane('cp-1')];

  it('goes through control planes by name, then workers by name, and says why', () => {
    const { steps } = plan(nodes);
    expect(steps.map(({ step, name, why }) => ({ step, name, why }))).toEqual([
      {
        step: { phase: 'preflight' },
        name: 'preflight',
        why: 'everything that can say no says it before the first change',
      },
      {
        step: { phase: 'master', node: 'cp-1' },
        name: 'master cp-1',
        why: 'the first control plane: kubeadm upgrade apply',
      },
      {
        step: { phase: 'master', node: 'cp-2' },
        name: 'master cp-2',
        why: 'another control plane: kubeadm upgrade node, one at a time',
      },
      { step: { phase: 'worker', node: 'w-1' }, name: 'worker w-1', why: 'worker 1 by name, after all control planes' },
      { step: { phase: 'worker', node: 'w-2' }, name: 'worker w-2', why: 'worker 2 by name, after all control planes' },
      {
        step: { phase: 'postflight' },
        name: 'postflight',
        why: 'the whole cluster is looked at before it is called done',
      },
    ]);
  });

  describe('with a rollout of its own', () => {
    const old = { labels: { gen: '2019' } };
    const young = { labels: { gen: '2024' } };
    const fleet = [
      controlPlane('cp-1'),
      ...['w-1', 'w-3', 'w-5'].map((name) => worker(name, '1.36.3', young)),
      ...['w-2', 'w-4'].map((name) => worker(name, '1.36.3', old)),
    ];
    const planOf = (rollout: object, window?: object) =>
      planUpgrade(
        exampleFacts({ nodes: known(fleet) }),
        TARGET,
        '1.36.3',
        Settings.parse({ rollout, ...(window === undefined ? {} : { window }) }),
      );
    const workerWhys = (rollout: object): string[] =>
      planOf(rollout).steps.flatMap(({ step, why }) => (step.phase === 'worker' ? `${step.node}: ${why}` : []));
    const AFTER = ', after all control planes';

    it('says of each worker its group, whether it is a canary, and its batch', () => {
      const canary = { perGroup: 1, soakSeconds: 1800 };
      expect(workerWhys({ maxUnavailable: 2, groups: { label: 'gen' }, canary })).toEqual([
        `w-2: canary of group gen=2019, watched for 30 min, batch 1 of 4${AFTER}`,
        `w-4: worker 2 by name of group gen=2019, batch 2 of 4${AFTER}`,
        `w-1: canary of group gen=2024, watched for 30 min, batch 3 of 4${AFTER}`,
        `w-3: worker 4 by name of group gen=2024, batch 4 of 4${AFTER}`,
        `w-5: worker 5 by name of group gen=2024, batch 4 of 4${AFTER}`,
      ]);
    });

    it('says by what else they are ordered', () => {
      expect(workerWhys({ orderLabel: 'gen' })[0]).toBe(`w-2: worker 1 by gen, then by name${AFTER}`);
      expect(workerWhys({ order: 'fewest-pods' })[0]).toBe(
        `w-1: worker 1 by fewest pods, which its turn will show${AFTER}`,
      );
    });

    it('takes as long as the batches do, with the watch of canaries and the pauses', () => {
      const beside = 20 + 120 + 20;
      expect(planOf({})).toMatchObject({ seconds: beside + 5 * 640, together: 1, nights: null });
      const canary = { perGroup: 1, soakSeconds: 1800 };
      const settings = { maxUnavailable: 4, pauseSeconds: 300, canary };
      expect(planOf(settings)).toMatchObject({ seconds: beside + 1840 + 300 + 640, together: 4 });
    });

    it('says into how many nights it fits', () => {
      const window = { start: '22:00', end: '22:30' };
      expect(planOf({}, window).nights).toBe(3);
      expect(planOf({ maxUnavailable: 5 }, window).nights).toBe(1);
      expect(planOf({ canary: { perGroup: 1, soakSeconds: 1800 } }, window).nights).toBeNull();
    });
  });

  it('places each step on the cluster as the steps before it leave it', () => {
    expect(placed(plan(nodes))).toEqual([
      ['preflight', 'cp-1'],
      ['master cp-1', 'cp-2'],
      ['master cp-2', 'cp-1'],
      ['worker w-1', 'cp-1'],
      ['worker w-2', 'cp-1'],
      ['postflight', '(any)'],
    ]);
  });

  it('says of each node what its drain would evict, and what holds it in whose words', () => {
    const budget = {
      namespace: 'shop',
      name: 'web',
      disruptionsAllowed: 0,
      currentHealthy: 1,
      desiredHealthy: 1,
      expectedPods: 1,
      nodes: ['w-1'],
    };
    const facts = exampleFacts({
      nodes: known([...nodes]),
      drains: known([
        { node: 'cp-1', evicts: {} },
        { node: 'w-1', evicts: { shop: 2 } },
        { node: 'w-2', evicts: {} },
      ]),
      budgets: known([
        { ...budget, refusal: known('the budget needs 1') },
        { ...budget, name: 'not-asked' },
        { ...budget, name: 'would-go', refusal: known(null) },
        { ...budget, name: 'elsewhere', nodes: ['w-2'] },
        { ...budget, name: 'overlaps', disruptionsAllowed: 1 },
      ]),
    });
    const drains = planUpgrade(facts, TARGET, '1.36.3', settings).steps.map(({ name, drain }) => [name, drain]);
    expect(Object.fromEntries(drains)).toMatchObject({
      preflight: null,
      'master cp-1': { evicts: {}, heldBy: [] },
      'worker w-1': {
        evicts: { shop: 2 },
        heldBy: [
          { budget: 'shop/web', why: 'the budget needs 1' },
          { budget: 'shop/not-asked', why: 'it wants 1 healthy pods and has 1' },
        ],
      },
      'worker w-2': { evicts: {}, heldBy: [{ budget: 'shop/elsewhere' }] },
    });
  });

  it('knows of no drain where nobody has looked, and says why budgets are not known', () => {
    const facts = exampleFacts({ nodes: known([...nodes]), budgets: unknown('403') });
    const { steps, budgetsUnknown } = planUpgrade(facts, TARGET, '1.36.3', settings);
    expect(steps.every(({ drain }) => drain === null)).toBe(true);
    expect(budgetsUnknown).toBe('403');
    expect(plan(nodes).budgetsUnknown).toBeNull();
  });

  it('lists what each phase does', () => {
    const { steps } = plan(nodes);
    expect(steps.map(({ actions }) => actions)).toEqual(
      steps.map(({ step }) => phaseOf(step.phase).steps.map(({ name }) => name)),
    );
    expect(steps[1]?.actions).toContain('drain');
  });

  it('prefers the control plane that its own steps have upgraded by then', () => {
    const open = controlPlane('cp-1', TARGET, { unfinished: TARGET });
    expect(placed(plan([open, controlPlane('cp-2', TARGET), worker('w-1')]))).toEqual([
      ['preflight', 'cp-2'],
      ['master cp-1', 'cp-2'],
      ['worker w-1', 'cp-1'],
      ['postflight', '(any)'],
    ]);
  });

  it.each([
    { who: 'us, which preflight lifts', cordonedBy: TARGET, runner: 'cp-1' },
    { who: 'somebody else, which stays', cordonedBy: null, runner: 'NOWHERE' },
  ])('counts on a cordon of $who', ({ cordonedBy, runner }) => {
    const nodes = [controlPlane('cp-1', '1.36.3', { cordonedBy, schedulable: false }), worker('w-1')];
    expect(placed(plan(nodes)).at(2)).toEqual(['worker w-1', runner]);
  });

  it.each([
    { title: 'a mark of a step that did not end', fields: { unfinished: TARGET }, first: 'cp-1' },
    { title: 'a cordon of ours', fields: { cordonedBy: TARGET, schedulable: false }, first: 'cp-2' },
    { title: 'an API server that is behind', fields: { apiServer: '1.36.3' }, first: 'cp-1' },
    { title: 'a kubelet that is behind', fields: { kubelet: '1.36.3' }, first: 'cp-1' },
  ])('counts on the step to end $title', ({ fields, first }) => {
    const steps = placed(plan([controlPlane('cp-1', TARGET, fields), controlPlane('cp-2'), worker('w-1')]));
    expect(steps).toEqual([
      ['preflight', first],
      ['master cp-1', 'cp-2'],
      ['master cp-2', 'cp-1'],
      ['worker w-1', 'cp-1'],
      ['postflight', '(any)'],
    ]);
  });

  it('leaves out the nodes that are done, and names them', () => {
    const part = plan([controlPlane('cp-1', TARGET), worker('w-1', TARGET), worker('w-2')]);
    expect(part.steps.map(({ name }) => name)).toEqual(['preflight', 'worker w-2', 'postflight']);
    expect(part.done).toEqual(['cp-1', 'w-1']);
    expect(whyOf(part, 'worker w-2')).toBe('worker 1 by name, after all control planes');
    expect(plan(nodes).done).toEqual([]);
  });

  it('looks at each node as often in a large cluster as in a small one', () => {
    const looks = (count: number): number => {
      let seen = 0;
      const counted = (node: NodeFact): NodeFact =>
        Object.defineProperty({ ...node }, 'kubelet', {
          enumerable: true,
          get: () => {
            seen += 1;
            return node.kubelet;
          },
        });
      const some = Array.from({ length: count }, (_, index) => counted(worker(`w-${index}`)));
      plan([controlPlane('cp-1'), ...some]);
      return seen / count;
    };
    expect(looks(400)).toBeLessThan(looks(40) * 1.5);
  });

  it('calls a control plane the first by its name, also when one before it is done', () => {
    const part = plan([controlPlane('cp-1', TARGET), controlPlane('cp-2'), worker('w-1')]);
    expect(whyOf(part, 'master cp-2')).toBe('another control plane: kubeadm upgrade node, one at a time');
  });

  it.each([
    { title: 'of somebody else', fields: { schedulable: false }, stays: true },
    { title: 'of our own', fields: { schedulable: false, cordonedBy: TARGET }, stays: false },
    { title: 'of nobody', fields: {}, stays: false },
  ])('says of a cordon $title whether it stays ($stays)', ({ fields, stays }) => {
    const cordon = stays ? '; cordoned by somebody else, and stays so' : '';
    const one = plan([controlPlane('cp-1'), worker('w-1', '1.36.3', fields), worker('w-2')]);
    expect(whyOf(one, 'worker w-1')).toBe(`worker 1 by name, after all control planes${cordon}`);
    expect(whyOf(one, 'worker w-2')).toBe('worker 2 by name, after all control planes');
  });

  it('I20 says why a step has no node that could run its Job', () => {
    const lonely = plan([controlPlane('cp-1'), worker('w-1', '1.36.3', { ready: 'no' })]);
    expect(placed(lonely)).toEqual([
      ['preflight', 'cp-1'],
      ['master cp-1', 'NOWHERE'],
      ['worker w-1', 'cp-1'],
      ['postflight', '(any)'],
    ]);
    expect(whyOf(lonely, 'master cp-1')).toBe(
      'no node can run its Job: cp-1: it is the node that is drained; w-1: it is not Ready',
    );
  });

  it.each([
    // Overhead of 20 s each, kubeadm apply 100 s or 180 s, kubeadm node 20 s, soak 600 s.
    { from: '1.36.3', target: '1.36.4', jump: 'patch', seconds: [20, 120, 120, 640, 640, 20] },
    { from: '1.36.3', target: '1.37.1', jump: 'minor', seconds: [20, 200, 200, 640, 640, 20] },
  ])('estimates a $jump from $from to $target', ({ from, target, jump, seconds }) => {
    const whole = plan(nodes, target, from);
    expect(whole).toMatchObject({ from, target, jump, seconds: seconds.reduce((sum, one) => sum + one) });
    expect(whole.steps.map((step) => step.seconds)).toEqual(seconds);
  });

  it('plans the closing of a run to the version that is running', () => {
    const open = [controlPlane('cp-1', TARGET), worker('w-1', TARGET, { unfinished: TARGET })];
    expect(plan(open, TARGET, TARGET)).toMatchObject({
      jump: 'none',
      steps: [{ name: 'preflight' }, { name: 'worker w-1' }, { name: 'postflight' }],
      done: ['cp-1'],
    });
  });

  it.each([
    { target: '1.38.0', problem: /2 minors above/ },
    { target: '1.36.2', problem: /does not downgrade/ },
  ])('refuses $target, which kubeadm cannot reach', ({ target, problem }) => {
    expect(() => plan(nodes, target)).toThrow(
      expect.objectContaining({
        kind: 'usage',
        message: expect.stringMatching(problem),
        remedy: expect.stringMatching(/nightlift plan/),
      }),
    );
  });

  it('says which steps leave the pods of their node where they are, and where they run then', () => {
    const without = Settings.parse({ drain: { mode: 'patch-without' } });
    const of = (nodes: Nodes) => {
      const drains = known(nodes.map(({ name }) => ({ node: name, evicts: { shop: 2 } })));
      const { steps } = planUpgrade(exampleFacts({ nodes: known([...nodes]), drains }), TARGET, '1.36.3', without);
      return steps.map(({ name, runner, withoutDrain, drain }) => [name, runner, withoutDrain, drain?.evicts]);
    };
    expect(of([controlPlane('cp-1')])).toEqual([
      ['preflight', 'cp-1', false, undefined],
      ['master cp-1', 'cp-1', true, undefined],
      ['postflight', '(any)', false, undefined],
    ]);
    expect(of([controlPlane('cp-1'), worker('w-1'), worker('w-2', '1.35.8')])).toEqual([
      ['preflight', 'cp-1', false, undefined],
      ['master cp-1', 'w-1', true, undefined],
      ['worker w-1', 'cp-1', true, undefined],
      ['worker w-2', 'cp-1', false, { shop: 2 }],
      ['postflight', '(any)', false, undefined],
    ]);
    expect(placed(plan([controlPlane('cp-1')]))).toContainEqual(['master cp-1', 'NOWHERE']);
  });

  it('makes no plan when the nodes are not known', () => {
    expect(() => planUpgrade(exampleFacts({ nodes: unknown('refused') }), TARGET, '1.36.3', settings)).toThrow(
      expect.objectContaining({ kind: 'cluster', message: expect.stringMatching(/not known: refused/) }),
    );
  });
});
