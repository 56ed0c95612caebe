import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn, errorOf, refusalOf } from '../../../test/support/example-step.ts';
import type { LockPlace } from '../../cluster/cluster.ts';
import { NightliftError } from '../../errors.ts';
import { rebootLock, returnRebootLock, takeRebootLock } from './reboot-lock.ts';

const OURS = 'nightlift:k8s-upgrade';
const PLACE = { namespace: 'kube-system', daemonSet: 'kured', annotation: 'weave.works/kured-node-lock' };
const RECORD = 'nightlift/k8s-upgrade-kured-lock';

interface Options {
  readonly kured?: object;
  /** The lock by the name of the DaemonSet; undefined: nobody holds it. */
  readonly locks?: Readonly<Record<string, string | undefined>>;
  readonly concurrency?: number;
  /** How many of the next writes somebody else comes before. */
  readonly lost?: number;
}

function scene({ kured = { takeLock: true }, locks = { kured: undefined }, concurrency = 1, lost = 0 }: Options = {}) {
  const there = new Map(Object.entries(locks));
  let version = 1;
  let toLose = lost;
  const writes: unknown[] = [];
  const world = exampleWorld({
    settings: { kured, waits: { alertSeconds: 20 } },
    cluster: {
      rebootLock: async ({ daemonSet }: LockPlace) =>
        there.has(daemonSet) ? { text: there.get(daemonSet), concurrency, version: `${version}` } : undefined,
      writeRebootLock: async (place, text, at) => {
        writes.push([place, text === null ? null : ((JSON.parse(text) as { nodeID?: string }).nodeID ?? '')]);
        if (toLose > 0 || at !== `${version}`) {
          toLose -= 1;
          version += 1;
          return false;
        }
        version += 1;
        there.set(place.daemonSet, text ?? undefined);
        return true;
      },
    },
  });
  return { world, there, writes, context: contextIn(world), record: () => world.annotations.get(RECORD) };
}

const holder = (text: string | undefined): unknown => (text === undefined ? undefined : (JSON.parse(text) as object));

describe('reboot-lock', () => {
  it.each([
    ['kured', undefined],
    ['', 'kured.daemonSet is empty'],
  ])('is looked at unless no DaemonSet is named: %j', async (daemonSet, want) => {
    expect(await rebootLock.skip?.(scene({ kured: { daemonSet } }).context)).toBe(want);
  });

  it.each([
    ['nobody holds it', undefined],
    ['we hold it', JSON.stringify({ nodeID: OURS })],
  ])('lets the run go on when %s, and takes nothing', async (_title, text) => {
    const { context, world, writes } = scene({ locks: { kured: text } });
    await rebootLock.run(context);
    expect([world.passed(), writes]).toEqual([0, []]);
  });

  it('is no matter without that DaemonSet', async () => {
    const { context, world } = scene({ locks: {} });
    await rebootLock.run(context);
    expect(world.passed()).toBe(0);
  });

  it('refuses after a wait when nodes restart, and says how to give the lock back', async () => {
    const { context, world } = scene({
      locks: { kured: JSON.stringify({ locks: [{ nodeID: 'n1' }, { nodeID: 'n2' }] }) },
    });
    expect(await refusalOf(rebootLock.run(context))).toEqual([
      {
        check: 'reboot-lock',
        reason: 'RebootLockHeld',
        class: 'actionable',
        severity: 'block',
        message: 'waiting 20 s for kured to give its lock back: it holds it for n1, n2',
        remedy: expect.stringContaining(
          'kubectl -n kube-system annotate daemonset kured weave.works/kured-node-lock-',
        ) as string,
      },
    ]);
    expect(world.passed()).toBe(20);
  });

  it('is no refusal when the API server says no', async () => {
    const forbidden = new NightliftError('cluster', 'reading the lock: forbidden');
    const world = exampleWorld({ cluster: { rebootLock: () => Promise.reject(forbidden) } });
    expect(await errorOf(rebootLock.run(contextIn(world)))).toBe(forbidden);
  });
});

describe('take-reboot-lock', () => {
  it.each([
    [{ takeLock: true }, undefined],
    [{ takeLock: false }, 'kured.takeLock is off'],
    [{ takeLock: true, daemonSet: '' }, 'kured.takeLock is off'],
  ])('is done only where the settings say so: %j', async (kured, want) => {
    expect(await takeRebootLock.skip?.(scene({ kured }).context)).toBe(want);
  });

  it('writes down where, then takes every place of the lock', async () => {
    const { context, there, record, writes } = scene({ concurrency: 2 });
    await takeRebootLock.run(context);
    expect(JSON.parse(record() ?? '')).toEqual(PLACE);
    expect(holder(there.get('kured'))).toMatchObject({ nodeID: OURS, maxOwners: 2, locks: [{}, {}] });
    expect(writes).toEqual([[PLACE, OURS]]);
  });

  it('takes it anew in the next Job, without writing down again where', async () => {
    const { context, world, writes } = scene();
    await takeRebootLock.run(context);
    const before = world.annotations.get(RECORD);
    world.annotations.set = () => {
      throw new Error('the record is written again');
    };
    await takeRebootLock.run(context);
    expect(world.annotations.get(RECORD)).toBe(before);
    expect(writes).toHaveLength(2);
  });

  it('looks again when somebody else has written it in between', async () => {
    const { context, world, there } = scene({ lost: 1 });
    await takeRebootLock.run(context);
    expect(holder(there.get('kured'))).toMatchObject({ nodeID: OURS });
    expect(world.passed()).toBe(5);
    expect(world.seen.log.map(({ fields }) => fields['missing'])).toContain('somebody else has written it just now');
  });

  it('never takes it from a node that restarts', async () => {
    const { context, writes } = scene({ locks: { kured: JSON.stringify({ nodeID: 'n2' }) } });
    expect(await refusalOf(takeRebootLock.run(context))).toHaveLength(1);
    expect(writes).toEqual([]);
  });

  it('gives it back where an earlier Job took it before it is taken where the settings say now', async () => {
    const { context, world, there, writes, record } = scene({
      locks: { kured: undefined, other: JSON.stringify({ nodeID: OURS }) },
    });
    world.annotations.set(RECORD, JSON.stringify({ ...PLACE, daemonSet: 'other' }));
    await takeRebootLock.run(context);
    expect(there.get('other')).toBeUndefined();
    expect(writes).toEqual([
      [{ ...PLACE, daemonSet: 'other' }, null],
      [PLACE, OURS],
    ]);
    expect(JSON.parse(record() ?? '')).toEqual(PLACE);
  });
});

describe('return-reboot-lock', () => {
  const taken = async (options: Options = {}) => {
    const made = scene({ locks: { kured: JSON.stringify({ nodeID: OURS }) }, ...options });
    made.world.annotations.set(RECORD, JSON.stringify(PLACE));
    return made;
  };
  const said = ({ world }: ReturnType<typeof scene>): string[] => world.seen.log.map(({ message }) => message);

  it('is skipped when it was not taken', async () => {
    expect(await returnRebootLock.skip?.(scene().context)).toBe('it was not taken');
    expect(await returnRebootLock.skip?.((await taken()).context)).toBeUndefined();
  });

  it('gives it back and forgets where', async () => {
    const made = await taken();
    await returnRebootLock.run(made.context);
    expect([made.there.get('kured'), made.record(), said(made)]).toEqual([
      undefined,
      undefined,
      ["gave kured's lock back"],
    ]);
  });

  it('touches nothing that was not written down, though the lock is ours', async () => {
    const { context, writes } = scene({ locks: { kured: JSON.stringify({ nodeID: OURS }) } });
    await returnRebootLock.run(context);
    expect(writes).toEqual([]);
  });

  it.each([
    ['the DaemonSet is gone', {}],
    ['nobody holds it', { kured: undefined }],
    ['a node holds it', { kured: JSON.stringify({ nodeID: 'n2' }) }],
  ])('forgets where, and writes nothing, when %s', async (_title, locks) => {
    const made = await taken({ locks });
    await returnRebootLock.run(made.context);
    expect([made.writes, made.record(), said(made)]).toEqual([[], undefined, []]);
  });

  it.each(['{', '{"namespace":7}', ''])(
    'takes the place of the settings for a record that cannot be read: %j',
    async (text) => {
      const made = await taken();
      made.world.annotations.set(RECORD, text);
      await returnRebootLock.run(made.context);
      expect(made.writes).toEqual([[PLACE, null]]);
      expect(made.record()).toBeUndefined();
    },
  );

  it('tries five times against others that write it, then fails and keeps the record', async () => {
    const four = await taken({ lost: 4 });
    await returnRebootLock.run(four.context);
    expect([four.writes.length, four.record(), said(four).length]).toEqual([5, undefined, 1]);
    const five = await taken({ lost: 5 });
    expect(await errorOf(returnRebootLock.run(five.context))).toMatchObject({
      kind: 'network',
      message: 'giving back the lock of kured on DaemonSet kube-system/kured: somebody else wrote it 5 times meanwhile',
      remedy: 'kubectl -n kube-system annotate daemonset kured weave.works/kured-node-lock-',
    });
    expect(five.writes).toHaveLength(5);
    expect(JSON.parse(five.record() ?? '')).toEqual(PLACE);
  });
});
