import { describe, expect, it } from 'vitest';
import { controlPlane, TARGET, worker } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { engageKillSwitch } from '../../../test/support/example-phase.ts';
import { contextIn, errorOf, exampleShell, refusalOf } from '../../../test/support/example-step.ts';
import { Paused } from '../../chain/outcome.ts';
import { LockLost, NightliftError } from '../../errors.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import type { NodeShell } from '../../node/node-shell.ts';
import { Rollout } from '../../settings/rollout.ts';
import { Settings } from '../../settings/settings.ts';
import { stageAll, stagedAhead } from './stage-all.ts';

const PREFLIGHT = { phase: 'preflight' } as const;
const NODES = [worker('worker-2'), controlPlane('cp-2'), controlPlane('cp-1'), worker('worker-1')];

/** `fails`: what becomes of a node's stage, by its name. */
function scene(
  fails: Readonly<Record<string, number | Error>> = {},
  nodes: readonly NodeFact[] = NODES,
  settings = {},
) {
  const quiet = exampleShell();
  const shell: NodeShell = {
    ...quiet,
    runDetached: async (node, command, options) => {
      const result = await quiet.runDetached(node, command, options);
      const how = fails[node.name] ?? 0;
      if (typeof how !== 'number') throw how;
      return { ...result, exitCode: how, tail: how === 0 ? '' : `nightlift: failed: no luck on ${node.name}\n` };
    },
  };
  const world = exampleWorld({ nodes, settings, deps: { shell } });
  return { run: () => stageAll.run(contextIn(world, PREFLIGHT)), asked: quiet.asked, world };
}

describe('stage-all', () => {
  it('says of hundreds of nodes that failed alike as much as a person reads and an annotation holds', async () => {
    const many = Array.from({ length: 300 }, (_, index) => worker(`w-${index}`));
    const away = (name: string) => new NightliftError('network', `${name}: the registry does not answer`);
    const fails = Object.fromEntries(many.map(({ name }) => [name, away(name)]));
    const passing = await errorOf(scene(fails, [controlPlane('cp-1'), ...many]).run());
    expect(passing).toMatchObject({ message: expect.stringMatching(/^w-0: the registry.*; and 290 more$/) as string });
    const broken = Object.fromEntries(many.map(({ name }) => [name, 16]));
    const refused = await errorOf(scene(broken, [controlPlane('cp-1'), ...many]).run());
    expect(refused).toMatchObject({ message: expect.stringMatching(/ on w-0.*; and 290 more$/s) as string });
  });

  it('fetches on all nodes that are to go, whatever becomes of the others', async () => {
    const nodes = [
      ...NODES,
      worker('worker-3', TARGET),
      worker('worker-4', undefined, { ready: 'no', unfinished: TARGET }),
    ];
    const { run, asked } = scene({}, nodes);
    await run();
    expect(asked.toSorted()).toEqual(
      ['cp-1', 'cp-2', 'worker-1', 'worker-2'].map((node) => `stage on ${node} as nightlift-stage-1-36-4`),
    );
  });

  it('leaves the quorum of etcd alone: of the control planes one at a time, and all workers at once', async () => {
    const busy = new Set<string>();
    const together: string[][] = [];
    const { world } = scene();
    const shell: NodeShell = {
      ...world.deps.shell,
      runDetached: async (node, command, options) => {
        busy.add(node.name);
        together.push([...busy].toSorted());
        await world.clock.sleep(1000);
        busy.delete(node.name);
        return world.deps.shell.runDetached(node, command, options);
      },
    };
    await stageAll.run(contextIn({ ...world, deps: { ...world.deps, shell } }, PREFLIGHT));
    expect(together).toEqual([['cp-1'], ['cp-2'], ['worker-1'], ['worker-1', 'worker-2']]);
  });

  it('refuses with all nodes that cannot have it, when somebody has to mend one', async () => {
    const { run, asked } = scene({ 'worker-1': 28, 'worker-2': 17 });
    const findings = await refusalOf(run());
    expect(findings.map(({ check, reason, severity, message }) => [check, reason, severity, message])).toEqual([
      ['stage-all', 'CannotStage', 'block', expect.stringMatching(/on worker-1: .*no luck on worker-1/)],
      ['stage-all', 'CannotStage', 'block', expect.stringMatching(/on worker-2: .*no luck on worker-2/)],
    ]);
    expect(asked).toHaveLength(4);
  });

  it('leaves to the next try of the Job what may be over in a minute', async () => {
    const away = new NightliftError('network', 'connecting to worker-1: no route', { remedy: 'wait' });
    const { run } = scene({ 'worker-1': away, 'worker-2': 15 });
    expect(await errorOf(run())).toMatchObject({
      kind: 'network',
      message: expect.stringMatching(/no route; .*on worker-2/) as string,
      remedy: 'wait',
    });
  });

  it.each([new NightliftError('config', 'no key'), new LockLost('it is gone'), new Error('a fault of ours')])(
    'blames no node for %s',
    async (error) => {
      expect(await errorOf(scene({ 'worker-1': error }).run())).toBe(error);
    },
  );

  it('ends when the kill switch says so, and leaves alone what has begun', async () => {
    const { world } = scene();
    const hangs: NodeShell = { ...world.deps.shell, runDetached: () => new Promise(() => undefined) };
    const context = contextIn({ ...world, deps: { ...world.deps, shell: hangs } }, PREFLIGHT);
    void world.clock.sleep(60_000).then(() => engageKillSwitch(world));
    expect(await errorOf(stageAll.run(context))).toBeInstanceOf(Paused);
    expect(world.passed()).toBeLessThan(100);
  });
});

describe('stagedAhead', () => {
  const many = [controlPlane('cp-1'), ...Array.from({ length: 30 }, (_, index) => worker(`w${index + 10}`))];
  const settingsOf = (stage: string, window: object | null) =>
    Settings.parse({ nodes: { stage }, window, waits: { soakSeconds: 540 } });
  const at = new Date('2026-11-27T23:00:00Z');
  it.each([
    ['all', { start: '22:00', end: '23:30' }, 31],
    ['in-window', null, 31],
    // 600 s at least for each worker.
    ['in-window', { start: '22:00', end: '23:30' }, 4],
    ['in-window', { start: '22:00', end: '01:00' }, 13],
    ['in-window', { start: '22:00', end: '23:01' }, 2],
  ])('%s with the window %o: %i nodes', (stage, window, count) => {
    const chosen = stagedAhead(many, settingsOf(stage, window), at);
    expect(chosen).toHaveLength(count);
    expect(chosen.slice(0, 2).map(({ name }) => name)).toEqual(['cp-1', 'w10']);
  });

  it.each([
    ['so many times as many as go together', { maxUnavailable: 2 }, ['w10', 'w11', 'w12', 'w13', 'w14', 'w15']],
    [
      'of all workers, not of those that are left',
      { maxUnavailable: '10%' },
      ['w10', 'w11', 'w12', 'w13', 'w14', 'w15'],
    ],
    ['in their order', { groups: { label: 'gen', order: ['old'] } }, ['w39', 'w10', 'w11']],
  ])('%s', (_, rollout, names) => {
    const settings = { ...settingsOf('in-window', { start: '22:00', end: '23:30' }), rollout: Rollout.parse(rollout) };
    const labelled = many.map((node) => (node.name === 'w39' ? { ...node, labels: { gen: 'old' } } : node));
    const chosen = stagedAhead(labelled.slice(0), settings, at, 29);
    expect(chosen.slice(1).map(({ name }) => name)).toEqual(names);
  });

  it('all of them, where the order is not known beforehand', () => {
    const settings = settingsOf('in-window', { start: '22:00', end: '23:30' });
    const order = Rollout.parse({ order: 'fewest-pods' });
    expect(stagedAhead(many, { ...settings, rollout: order }, at)).toHaveLength(31);
  });
});
