import { describe, expect, it } from 'vitest';
import { controlPlane, OLD, TARGET, worker } from '../../test/support/clusters.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { Rollout } from '../settings/rollout.ts';
import type { Failure } from './failures.ts';
import { isCanary, nextSteps, type RolloutView, remainingSteps, soakSeconds } from './rollout.ts';
import { stepName } from './step.ts';

const NOW = new Date('2026-11-21T23:30:00Z');
const CP = controlPlane('cp-1', TARGET);
const ZONE = 'topology.kubernetes.io/zone';
const BROKEN: Failure = { scope: 'node', why: 'no room' };

const many = (count: number, from = 1): NodeFact[] =>
  Array.from({ length: count }, (_, index) => worker(`w-${from + index}`));
const of = (labels: Record<string, string>, ...names: string[]): NodeFact[] =>
  names.map((name) => worker(name, OLD, { labels }));
const done = (node: NodeFact, at = '2026-11-21T23:00:00.000Z'): NodeFact => ({
  ...node,
  kubelet: TARGET,
  finished: `${TARGET} ${at}`,
});
const begun = (name: string, fields: Partial<NodeFact> = {}): NodeFact =>
  worker(name, OLD, { unfinished: TARGET, ...fields });
const failed = (...names: string[]): Pick<RolloutView, 'failed'> => ({
  failed: new Map(names.map((name) => [name, BROKEN])),
});
const busy = (...names: string[]): Pick<RolloutView, 'busy'> => ({ busy: new Set(names) });

function view(settings: object, nodes: readonly NodeFact[], more: Partial<RolloutView> = {}): RolloutView {
  return { nodes: [CP, ...nodes], target: TARGET, rollout: Rollout.parse(settings), now: NOW, ...more };
}

const next = (...args: Parameters<typeof view>): string[] => nextSteps(view(...args)).steps.map(stepName);
const named = (...args: Parameters<typeof view>): string[] => next(...args).map((name) => name.replace('worker ', ''));

describe('how many workers go at a time', () => {
  it.each<[string, string[], object, readonly NodeFact[], Partial<RolloutView>]>([
    ['one without a setting', ['w-1'], {}, many(5), {}],
    ['as many as may be away', ['w-1', 'w-2'], { maxUnavailable: 2 }, many(5), {}],
    ['a part of all of them, rounded down', ['w-1', 'w-2'], { maxUnavailable: '25%' }, many(11), {}],
    ['one at least', ['w-1'], { maxUnavailable: '1%' }, many(5), {}],
    ['all that there are', ['w-1', 'w-2'], { maxUnavailable: 10 }, many(2), {}],
    [
      'the next one when one is finished',
      ['w-3'],
      { maxUnavailable: 2 },
      [done(worker('w-1')), ...many(3, 2)],
      busy('w-2'),
    ],
    ['none beside those that are at work', [], { maxUnavailable: 2 }, many(4), busy('w-1', 'w-2')],
    [
      'first what an earlier Job has left half-way',
      ['w-4', 'w-1'],
      { maxUnavailable: 2 },
      [...many(3), begun('w-4', { cordonedBy: TARGET, schedulable: false })],
      {},
    ],
    [
      'no more of what was left half-way than may be away',
      ['w-2'],
      { maxUnavailable: 2 },
      ['w-1', 'w-2', 'w-3'].map((name) => begun(name, { cordonedBy: TARGET })),
      busy('w-1'),
    ],
    [
      'none beside a node that is down',
      ['w-1'],
      { maxUnavailable: 2 },
      [...many(3), worker('w-4', TARGET, { ready: 'no' })],
      {},
    ],
    [
      'one, which waits and says so, when as many as may be away are down',
      ['w-1'],
      { maxUnavailable: 2 },
      [...many(3), worker('w-4', TARGET, { ready: 'no' }), worker('w-5', TARGET, { ready: 'unknown' })],
      {},
    ],
    [
      'none more when others are at work and a node is down',
      [],
      { maxUnavailable: 2 },
      [...many(3), worker('w-4', TARGET, { ready: 'no' })],
      busy('w-1'),
    ],
  ])('%s', (_, expected, settings, nodes, more) => {
    expect(named(settings, nodes, more)).toEqual(expected);
  });

  it('control planes go by themselves, one at a time, and never beside a worker', () => {
    const nodes = [controlPlane('cp-1', TARGET), controlPlane('cp-2'), controlPlane('cp-3'), ...many(3)];
    const settings = { maxUnavailable: 3 };
    expect(next(settings, nodes.slice(1))).toEqual(['master cp-2']);
    expect(nextSteps(view(settings, nodes.slice(1), busy('w-1')))).toMatchObject({ steps: [], atWork: ['w-1'] });
  });

  it('postflight comes when nothing is left to do', () => {
    expect(next({ maxUnavailable: 2 }, [worker('w-1', TARGET)])).toEqual(['postflight']);
    expect(next({ maxUnavailable: 2 }, [worker('w-1', TARGET)], busy('w-1'))).toEqual(['postflight']);
    expect(next({ maxUnavailable: 2 }, [begun('w-1')], busy('w-1'))).toEqual([]);
  });
});

describe('batches', () => {
  const settings = { maxUnavailable: 3, batch: 2 };
  it.each<[string, string[], object, readonly NodeFact[], Partial<RolloutView>]>([
    ['begin with so many', ['w-1', 'w-2'], settings, many(5), {}],
    ['wait for the slowest of the one before', [], settings, [done(worker('w-1')), ...many(4, 2)], busy('w-2')],
    [
      'go on when all of it are finished',
      ['w-3', 'w-4'],
      settings,
      [done(worker('w-1')), done(worker('w-2')), ...many(3, 3)],
      {},
    ],
    [
      'come after what was left half-way',
      ['w-5'],
      settings,
      [...many(4), begun('w-5', { cordonedBy: TARGET, schedulable: false })],
      {},
    ],
    ['begin with what is in service with its mark', ['w-5', 'w-1'], settings, [...many(4), begun('w-5')], {}],
  ])('%s', (_, expected, given, nodes, more) => {
    expect(named(given, nodes, more)).toEqual(expected);
  });

  it.each<[string, string, number]>([
    ['is waited for', '2026-11-21T23:29:00.000Z', 240_000],
    ['is over', '2026-11-21T23:25:00.000Z', 0],
    ['was yesterday', '2026-11-20T23:25:00.000Z', 0],
    ['is never longer than itself, when a clock was set back', '2026-11-22T04:00:00.000Z', 300_000],
    ['is none when nobody knows since when', 'nonsense', 0],
  ])('the pause between two of them %s', (_, at, pauseMs) => {
    const nodes = [done(worker('w-1'), at), ...many(3, 2)];
    const found = nextSteps(view({ maxUnavailable: 2, pauseSeconds: 300 }, nodes));
    expect([found.pauseMs, found.steps.length]).toEqual([pauseMs, pauseMs > 0 ? 0 : 2]);
    // One after the other has a pause as well.
    expect(nextSteps(view({ pauseSeconds: 300 }, nodes)).pauseMs).toBe(pauseMs);
  });

  it('the pause begins when the whole batch is finished', () => {
    const given = { maxUnavailable: 2, pauseSeconds: 300 };
    const nodes = [done(worker('w-1'), '2026-11-21T23:29:00.000Z'), ...many(3, 2)];
    expect(nextSteps(view(given, nodes, busy('w-2')))).toMatchObject({ steps: [], atWork: ['w-2'], pauseMs: 0 });
    expect(named(given, many(3), busy('w-1'))).toEqual([]);
  });

  it('the pause is nothing to whom the target was another one', () => {
    const before = worker('w-1', TARGET, { finished: '1.36.3 2026-11-21T23:29:00.000Z' });
    expect(named({ pauseSeconds: 300 }, [before, worker('w-2')])).toEqual(['w-2']);
  });
});

describe('groups', () => {
  const [first, second, third] = ['w-5', 'w-6', 'w-7'].map((name) => worker(name, OLD, { labels: { gen: 'g1' } })) as [
    NodeFact,
    NodeFact,
    NodeFact,
  ];
  const old = [first, second, third];
  const young = of({ gen: 'g2' }, 'w-1', 'w-2');
  const others = of({}, 'w-0');
  const all = [...young, ...old, ...others];
  const groups = (order: string[] = []) => ({ maxUnavailable: 2, groups: { label: 'gen', order } });
  it.each<[string, string[], object, readonly NodeFact[], Partial<RolloutView>]>([
    ['have their turn by value', ['w-5', 'w-6'], groups(), all, {}],
    ['or in the order that is given', ['w-1', 'w-2'], groups(['g2']), all, {}],
    ['wait for the last of the group before', [], groups(), [done(first), done(second), third, ...young], busy('w-7')],
    [
      'come after it, those without the label last',
      ['w-0'],
      groups(),
      [...[...old, ...young].map((one) => done(one)), ...others],
      {},
    ],
    [
      'do not wait for one that is not tried any more',
      ['w-1', 'w-2'],
      { ...groups(), maxFailed: 1 },
      [done(first), done(second), third, ...young],
      failed('w-7'),
    ],
    [
      'may have a limit of their own',
      ['w-5'],
      { maxUnavailable: 2, groups: { label: 'gen', maxUnavailable: '34%' } },
      all,
      {},
    ],
  ])('%s', (_, expected, settings, nodes, more) => {
    expect(named(settings, nodes, more)).toEqual(expected);
  });

  it('wait for one of another group that is left half-way, or still at work', () => {
    const down = worker('w-1', OLD, { labels: { gen: 'g2' }, ready: 'no', unfinished: TARGET });
    expect(named({ ...groups(), maxUnavailable: 5 }, [down, ...old])).toEqual(['w-1']);
    expect(named({ ...groups(), maxUnavailable: 5 }, [...young, ...old], busy('w-1'))).toEqual([]);
  });

  it('are the order of the plan, too', () => {
    const steps = remainingSteps(view(groups(['g2', 'g1']), all)).map(stepName);
    expect(steps).toEqual(['preflight', ...['1', '2', '5', '6', '7', '0'].map((n) => `worker w-${n}`), 'postflight']);
  });
});

describe('canaries', () => {
  const settings = { maxUnavailable: 3, canary: { perGroup: 1, soakSeconds: 1800 }, maxFailed: 2 };
  it.each<[string, string[], object, readonly NodeFact[], Partial<RolloutView>]>([
    ['go first', ['w-1'], settings, many(5), {}],
    ['are waited for', [], settings, [begun('w-1'), ...many(4, 2)], busy('w-1')],
    ['are followed by the others', ['w-2', 'w-3', 'w-4'], settings, [done(worker('w-1')), ...many(4, 2)], {}],
    ['are not those that came with the target', ['w-2'], settings, [worker('w-1', TARGET), ...many(4, 2)], {}],
    ['are as many as the group has', ['w-1', 'w-2'], { ...settings, canary: { perGroup: 9 } }, many(2), {}],
    ['stop their group when one has failed', [], settings, many(5), failed('w-1')],
    [
      'are due again when they are behind again, whatever they were finished with',
      ['w-1'],
      settings,
      [{ ...done(worker('w-1')), kubelet: OLD }, ...many(4, 2)],
      {},
    ],
    ['stop nothing when all is done', ['postflight'], settings, [done(worker('w-1'))], {}],
    ['go first where one after the other goes', ['w-1'], { canary: { perGroup: 1 } }, many(3), {}],
  ])('%s', (_, expected, given, nodes, more) => {
    expect(named(given, nodes, more)).toEqual(expected);
  });

  it('are of each group, and one that has failed keeps the later groups from being begun', () => {
    const groups = { ...settings, groups: { label: 'gen' } };
    const first = of({ gen: '1' }, 'w-1', 'w-2');
    const second = of({ gen: '2' }, 'w-3', 'w-4');
    expect(named(groups, [...first.map((node) => done(node)), ...second])).toEqual(['w-3']);
    const stopped = view(groups, [...first, ...second], failed('w-1'));
    expect(nextSteps(stopped).steps).toEqual([]);
    expect(nextSteps(stopped).stopped).toBe('w-1 was the canary of its group');
  });

  it('are watched for longer than the others', () => {
    const watched = (name: string, over: RolloutView): number => soakSeconds(isCanary(name, over), over.rollout, 600);
    const of = (nodes: NodeFact[], name: string): number => watched(name, view(settings, nodes));
    expect(of([begun('w-1'), ...many(2, 2)], 'w-1')).toBe(1800);
    expect(of([done(worker('w-1')), begun('w-2')], 'w-2')).toBe(600);
    const two = view({ canary: { perGroup: 2, soakSeconds: 1800 } }, [done(worker('w-1')), begun('w-2')]);
    expect(watched('w-2', two)).toBe(1800);
    expect(watched('w-1', view({ canary: { perGroup: 1, soakSeconds: 60 } }, many(2)))).toBe(600);
  });
});

describe('workers that have failed', () => {
  it.each<[string, string[], object, readonly NodeFact[], Partial<RolloutView>]>([
    ['end the night', [], { maxUnavailable: 2 }, many(4), failed('w-1')],
    ['are passed over as long as there are not too many', ['w-2'], { maxFailed: 1 }, many(4), failed('w-1')],
    ['end it when there are', [], { maxFailed: 1 }, many(4), failed('w-1', 'w-2')],
    [
      'take no place when they are back in service with their mark',
      ['w-2', 'w-3'],
      { maxUnavailable: 2, maxFailed: 1 },
      [begun('w-1'), ...many(3, 2)],
      failed('w-1'),
    ],
    [
      'take one while they are cordoned',
      ['w-2'],
      { maxUnavailable: 2, maxFailed: 1 },
      [begun('w-1', { cordonedBy: TARGET }), ...many(3, 2)],
      failed('w-1'),
    ],
    [
      'keep the others from going when they could not be put back and no more may be away',
      [],
      { maxFailed: 1 },
      [begun('w-1', { cordonedBy: TARGET }), ...many(3, 2)],
      failed('w-1'),
    ],
    [
      'keep those of another zone from going as well',
      [],
      { maxUnavailable: 2, maxFailed: 1, zones: 'one-at-a-time' },
      [begun('w-1', { cordonedBy: TARGET, labels: { [ZONE]: 'a' } }), ...of({ [ZONE]: 'b' }, 'w-2')],
      failed('w-1'),
    ],
    [
      'leave less room for what an earlier Job has taken away',
      ['w-2'],
      { maxUnavailable: 2, maxFailed: 1 },
      ['w-1', 'w-2', 'w-3'].map((name) => begun(name, { cordonedBy: TARGET })),
      failed('w-1'),
    ],
    ['are no postflight', [], { maxFailed: 1 }, [worker('w-1')], failed('w-1')],
    [
      'are forgotten when they are on the target after all',
      ['postflight'],
      { maxFailed: 1 },
      [worker('w-1', TARGET)],
      failed('w-1'),
    ],
  ])('%s', (_, expected, settings, nodes, more) => {
    expect(named(settings, nodes, more)).toEqual(expected);
  });

  it('are named when none may go beside them', () => {
    const nodes = [begun('w-1', { cordonedBy: TARGET }), ...many(3, 2)];
    expect(nextSteps(view({ maxFailed: 1 }, nodes, failed('w-1'))).stopped).toBe(
      'none may go beside w-1, which could not be put back',
    );
    expect(nextSteps(view({ maxFailed: 1 }, many(3), failed('w-1'))).stopped).toBeUndefined();
  });

  it('end the night however many may fail, when what stopped one is in the way of all', () => {
    const alert: Failure = { scope: 'run', why: 'an alert is firing' };
    const stopped = view({ maxFailed: 5 }, many(3), { failed: new Map([['w-1', alert]]) });
    expect(nextSteps(stopped).steps).toEqual([]);
    expect(nextSteps(stopped).stopped).toBe('what stopped w-1 is in the way of every other one');
  });
});

describe('the order of workers', () => {
  it.each([[{}], [{ maxFailed: 1 }], [{ maxUnavailable: 2 }], [{ groups: { label: 'gen' } }]])(
    'begins with whom a Job has left down, which nobody else brings back: %j',
    (settings) => {
      const nodes = [...of({ gen: '1' }, 'w-1', 'w-2'), begun('w-3', { ready: 'no' })];
      expect(named(settings, nodes)[0]).toBe('w-3');
      expect(remainingSteps(view(settings, nodes)).map(stepName)[1]).toBe('worker w-3');
      // Down for somebody else's reasons: the first one waits, and says so.
      expect(named(settings, [...many(2), worker('w-3', OLD, { ready: 'no' })])[0]).toBe('w-1');
    },
  );

  it('is by name, by a label, or by pods', () => {
    const nodes = [
      worker('w-10'),
      worker('w-2', OLD, { labels: { rack: '9' } }),
      worker('w-3', OLD, { labels: { rack: '10' } }),
    ];
    const all = { maxUnavailable: 3 };
    expect(named(all, nodes)).toEqual(['w-2', 'w-3', 'w-10']);
    expect(named({ ...all, orderLabel: 'rack' }, nodes)).toEqual(['w-2', 'w-3', 'w-10']);
    expect(named({ ...all, orderLabel: 'rack' }, [...nodes, worker('w-1', OLD, { labels: { rack: '1' } })])[0]).toBe(
      'w-1',
    );
    const pods = new Map([
      ['w-2', 30],
      ['w-3', 2],
      ['w-10', 7],
    ]);
    expect(named({ ...all, order: 'fewest-pods' }, nodes, { pods })).toEqual(['w-3', 'w-10', 'w-2']);
    pods.delete('w-2');
    expect(named({ ...all, order: 'fewest-pods' }, nodes, { pods })[0]).toBe('w-2');
  });
});

describe('which workers go together', () => {
  const zoned = [...of({ [ZONE]: 'a' }, 'w-1', 'w-3'), ...of({ [ZONE]: 'b' }, 'w-2'), ...of({}, 'w-4', 'w-5')];
  it('those of one zone, when two zones must not be away at once', () => {
    const settings = { maxUnavailable: 3, zones: 'one-at-a-time' };
    expect(named({ maxUnavailable: 3 }, zoned)).toEqual(['w-1', 'w-2', 'w-3']);
    expect(named(settings, zoned)).toEqual(['w-1', 'w-3']);
    expect(named(settings, zoned.slice(3))).toEqual(['w-4']);
    expect(named(settings, zoned, busy('w-2'))).toEqual([]);
  });

  it('those that are in service again with their mark go by the same rules, and first', () => {
    const nodes = [
      worker('w-1'),
      ...['a', 'b'].map((zone, index) => begun(`w-${index + 2}`, { labels: { [ZONE]: zone } })),
    ];
    expect(named({ maxUnavailable: 2 }, nodes)).toEqual(['w-2', 'w-3']);
    expect(named({ maxUnavailable: 2, zones: 'one-at-a-time' }, nodes)).toEqual(['w-2']);
    expect(named({ maxUnavailable: 2, batch: 1 }, nodes)).toEqual(['w-2']);
    expect(named({ maxUnavailable: 2, canary: { perGroup: 1 } }, nodes)).toEqual(['w-2']);
  });

  it('not one whose budget waits for what those that are away have let go of', () => {
    const waiting = { held: new Map([['w-2', new Map([['apps/db', 1]])]]), allows: new Map([['apps/db', 0]]) };
    expect(named({ maxUnavailable: 2 }, many(3), { ...waiting, ...busy('w-1') })).toEqual(['w-3']);
  });

  it('not two that hold pods of a budget that lets fewer go', () => {
    const held = new Map([
      ['w-1', new Map([['apps/db', 1]])],
      ['w-2', new Map([['apps/db', 1]])],
      ['w-3', new Map([['apps/web', 2]])],
      ['w-4', new Map([['apps/web', 1]])],
    ]);
    const settings = { maxUnavailable: 4 };
    const allowing = (db: number, web: number) => ({
      held,
      allows: new Map([
        ['apps/db', db],
        ['apps/web', web],
      ]),
    });
    expect(named(settings, many(4), allowing(1, 3))).toEqual(['w-1', 'w-3', 'w-4']);
    expect(named(settings, many(4), allowing(2, 2))).toEqual(['w-1', 'w-2', 'w-3']);
    expect(named(settings, many(4), { ...allowing(1, 3), ...busy('w-2') })).toEqual(['w-3', 'w-4']);
    // The first one, and one that is alone, waits for its budget by itself.
    expect(named({ maxUnavailable: 2 }, many(4), allowing(0, 3))).toEqual(['w-1', 'w-3']);
    expect(named(settings, many(1), allowing(0, 0))).toEqual(['w-1']);
  });
});
