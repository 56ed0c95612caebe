import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn, errorOf, refusalOf } from '../../../test/support/example-step.ts';
import { ClusterError } from '../../cluster/kube-error.ts';
import { exampleAlert } from '../../facts/example-facts.ts';
import type { AlertFact } from '../../facts/facts.ts';
import { haltAfterWaiting, haltNow, soak } from './halt-on-alert.ts';

/** What Prometheus says after so many seconds. */
function scene(
  says: (seconds: number) => readonly AlertFact[] | Error,
  alerts: object = { prometheusUrl: 'http://p' },
) {
  const asked: number[] = [];
  const world = exampleWorld({
    settings: { alerts, waits: { alertSeconds: 20, soakSeconds: 30, pollSeconds: 10 } },
    deps: {
      alerts: {
        active: async () => {
          asked.push(world.passed());
          const answer = says(world.passed());
          if (answer instanceof Error) throw answer;
          return answer;
        },
        deprecatedApis: async () => [],
        apiServers: async () => ({ lookbackHours: 168, instances: [] }),
        targetsUp: async () => ({}),
      },
    },
  });
  return { world, asked, context: contextIn(world) };
}

const messages = async (running: Promise<void>): Promise<readonly string[]> =>
  (await refusalOf(running)).map(({ message }) => message);

describe('halt-on-alert', () => {
  it('goes on when nothing fires that halts, and takes what an upgrade causes itself for nothing', async () => {
    const { world, context } = scene(() => [
      exampleAlert('Slow', { severity: 'warning' }),
      exampleAlert('RecentNodeReboot'),
    ]);
    await haltNow.run(context);
    expect(world.passed()).toBe(0);
  });

  it('refuses at once before the first change', async () => {
    const { context, world } = scene(() => [exampleAlert('NodeDown'), exampleAlert('DiskFull', { summary: '98 %' })]);
    expect(await refusalOf(haltNow.run(context))).toEqual([
      {
        check: 'halt-on-alert',
        reason: 'AlertFiring',
        class: 'actionable',
        severity: 'block',
        message: 'waiting 0 s for alerts to clear: firing: NodeDown, DiskFull (98 %)',
        remedy: expect.stringContaining('alerts.ignore') as string,
      },
    ]);
    expect(world.passed()).toBe(0);
  });

  it('waits in the step of a worker for alerts to clear, then refuses', async () => {
    const clears = scene((seconds) => (seconds < 20 ? [exampleAlert('NodeDown')] : []));
    await haltAfterWaiting.run(clears.context);
    expect(clears.asked).toEqual([0, 10, 20]);
    const stays = scene(() => [exampleAlert('NodeDown')]);
    expect(await messages(haltAfterWaiting.run(stays.context))).toEqual([
      'waiting 20 s for alerts to clear: firing: NodeDown',
    ]);
    expect(stays.world.passed()).toBe(20);
  });

  it('D01 takes silence for no health', async () => {
    const { context } = scene(() => new Error('no answer'));
    expect(await refusalOf(haltNow.run(context))).toMatchObject([
      {
        message: 'waiting 0 s for alerts to clear: Prometheus cannot be asked, and silence is not health: no answer',
        remedy: expect.stringMatching(/alerts\.prometheusUrl.*rules; the next night/) as string,
      },
    ]);
    const none = scene(() => new Error('prometheusUrl is empty'), { prometheusUrl: '' });
    expect(await messages(haltNow.run(none.context))).toHaveLength(1);
  });

  it('goes on with a warning where the settings do not require an answer, and halts on one all the same', async () => {
    const settings = { prometheusUrl: 'http://p', required: false };
    const silent = scene(() => new Error('no answer'), settings);
    await haltNow.run(silent.context);
    expect(silent.world.seen.log.map(({ level, fields }) => [level, fields['error']])).toEqual([['warn', 'no answer']]);
    const firing = scene(() => [exampleAlert('NodeDown')], settings);
    expect(await messages(haltNow.run(firing.context))).toHaveLength(1);
  });

  it('asks nobody where there is no Prometheus and none is required', async () => {
    const { asked, world, context } = scene(() => new Error('never'), { prometheusUrl: '', required: false });
    await haltNow.run(context);
    expect([asked, world.seen.log]).toEqual([[], []]);
  });

  it('is no refusal when the API server cannot be asked whether the run may go on', async () => {
    const { context, world } = scene(() => [exampleAlert('NodeDown')]);
    world.configMaps.get = () => {
      throw new ClusterError('reading', { status: 503, reason: '', unavailable: true });
    };
    expect(await errorOf(haltNow.run(context))).toMatchObject({ kind: 'network' });
  });

  it('is paused inside its wait, which is no refusal', async () => {
    const { context, world } = scene(() => [exampleAlert('NodeDown')]);
    world.configMaps.set('k8s-upgrade/k8s-upgrade-killswitch', {});
    expect(await errorOf(haltAfterWaiting.run(context))).toMatchObject({ name: 'Paused' });
  });
});

describe('the soak', () => {
  it('watches for its time, and looks once more at its end', async () => {
    const { asked, context, world } = scene(() => []);
    await soak.run(context);
    expect(asked).toEqual([0, 10, 20, 30, 30]);
    expect(world.seen.log).toEqual([{ level: 'info', message: 'waiting: soak', fields: { seconds: 30 } }]);
  });

  it('ends at once with an alert, without waiting for it to clear', async () => {
    const { asked, context } = scene((seconds) =>
      seconds === 10 ? [exampleAlert('NodeDown', { summary: 'w1' })] : [],
    );
    expect(await refusalOf(soak.run(context))).toMatchObject([
      { reason: 'AlertFiring', severity: 'block', message: 'during the soak: firing: NodeDown (w1)' },
    ]);
    expect(asked).toEqual([0, 10]);
  });

  it('D01 goes on while Prometheus is away, but not beyond its end', async () => {
    const back = scene((seconds) => (seconds < 30 ? new Error('restarting') : []));
    await soak.run(back.context);
    const away = scene(() => new Error('gone'));
    expect(await messages(soak.run(away.context))).toEqual([
      'waiting 20 s for alerts to clear: Prometheus cannot be asked, and silence is not health: gone',
    ]);
    expect(away.world.passed()).toBe(50);
  });
});
