import { describe, expect, it } from 'vitest';
import { TARGET } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { engageKillSwitch } from '../../../test/support/example-phase.ts';
import { contextIn } from '../../../test/support/example-step.ts';
import { NIGHT_HOPS } from '../../observe/night-hops.ts';
import { nextHop } from './next-hop.ts';

const HERE = `1.36.3>${TARGET}@2026-11-21T22:00:00.000Z`;
const BEFORE = '1.35.8>1.36.3@2026-11-21T21:00:00.000Z';
const YESTERDAY = '1.35.8>1.36.3@2026-11-20T22:00:00.000Z';

/** What a postflight that has closed its run creates, at 23:00. */
async function after(
  hops: string | undefined,
  { hopsPerNight = 2, paused = false, window = {}, cronJob = true, suspended = false } = {},
) {
  const created: string[] = [];
  const world = exampleWorld({
    settings: { target: { hopsPerNight }, ...window },
    cluster: {
      cronJob: async () => (cronJob ? { uid: 'u', program: '', suspended, image: '' } : undefined),
      createJobFromCronJob: async (namespace, from, name) => {
        created.push(`${namespace}/${from}: ${name}`);
        return 'created';
      },
    },
  });
  if (hops !== undefined) world.annotations.set(`nightlift/k8s-upgrade-${NIGHT_HOPS}`, hops);
  if (paused) engageKillSwitch(world);
  const context = contextIn(world, { phase: 'postflight' });
  const skipped = await nextHop.skip?.(context);
  if (skipped === undefined) await nextHop.run(context);
  const said = world.seen.log.map(
    ({ message, fields }) => `${message}: ${String(fields['why'] ?? fields['error'] ?? '')}`,
  );
  return { created, said: skipped ?? said.join('\n') };
}

const DETECTION = ['k8s-upgrade/k8s-version-check: k8s-version-check-after-1-36-4'];

describe('next-hop', () => {
  it.each([
    ['after the first of two', HERE],
    ['whatever other nights did', `${YESTERDAY} ${HERE}`],
  ])('starts the detection %s, under a name of this run', async (_, hops) => {
    expect(await after(hops)).toMatchObject({ created: DETECTION });
  });

  it('starts the third only where three are allowed', async () => {
    expect(await after(`${BEFORE} ${HERE}`, { hopsPerNight: 3 })).toMatchObject({ created: DETECTION });
    expect(await after(`${BEFORE} ${HERE}`)).toEqual({
      created: [],
      said: expect.stringContaining('2 of 2 (target.hopsPerNight) are done'),
    });
  });

  it.each([
    ['one a night is set', HERE, { hopsPerNight: 1 }, /target\.hopsPerNight is 1/],
    ['a person has begun the run', undefined, {}, /not begun by the detection/],
    ['another run was the last that the detection has begun', BEFORE, {}, /not begun by the detection/],
    ['it was begun in another night', HERE.replace('-21T22', '-21T10'), {}, /not begun by the detection/],
    ['the record is damaged', 'x>y@z', {}, /not begun by the detection/],
    ['the kill switch is engaged', HERE, { paused: true }, /the kill switch is engaged/],
    ['the window is over', HERE, { window: { window: { start: '20:00', end: '22:30' } } }, /outside the window/],
    ['the detector is suspended', HERE, { suspended: true }, /CronJob k8s-upgrade\/k8s-version-check is suspended/],
    ['there is no detector', HERE, { cronJob: false }, /could not be begun: .*there is no CronJob/],
  ])('starts nothing when %s, and says so', async (_, hops, options, says) => {
    expect(await after(hops, options)).toEqual({ created: [], said: expect.stringMatching(says) });
  });
});
