import { describe, expect, it } from 'vitest';
import type { Cluster } from '../cluster/cluster.ts';
import { ClusterError } from '../cluster/kube-error.ts';
import { KILL_SWITCH, readKillSwitch } from '../observe/kill-switch.ts';
import { known, unknown } from '../observed.ts';
import { parseSettings } from '../settings/parse-settings.ts';
import { Window } from '../settings/window.ts';
import { mayGoOn, pauseReason } from './may-go-on.ts';
import { Paused } from './outcome.ts';

const NIGHT = Window.parse({ start: '23:00', end: '05:00' });
const at = (time: string): Date => new Date(`2026-11-20T${time}:00Z`);
const off = known({ engaged: false, reason: '' });

describe('pauseReason', () => {
  it('is none without kill switch and window', () => {
    expect(pauseReason(off, null, at('12:00'))).toBeUndefined();
    expect(pauseReason(off, NIGHT, at('23:30'))).toBeUndefined();
  });

  it('D06 takes a kill switch that cannot be read for engaged, and says so', () => {
    expect(pauseReason(unknown('403 Forbidden'), null, at('12:00'))).toBe(
      'the kill switch cannot be read, which counts as engaged: 403 Forbidden',
    );
  });

  it("gives the person's reason", () => {
    expect(pauseReason(known({ engaged: true, reason: 'load test' }), NIGHT, at('23:30'))).toBe(
      'the kill switch is engaged: load test',
    );
    expect(pauseReason(known({ engaged: true, reason: '' }), null, at('23:30'))).toBe('the kill switch is engaged');
  });

  it('D05 gives the end of the window', () => {
    expect(pauseReason(off, NIGHT, at('05:00'))).toBe(
      'it is 05:00 UTC, outside the window 23:00 to 05:00 UTC; it opens Fri 2026-11-20 23:00 UTC',
    );
  });
});

describe('reading the kill switch', () => {
  const settings = parseSettings('namespace: upgrades', 'test');
  const clock = { now: () => at('12:00'), monotonic: () => 0, sleep: () => Promise.resolve() };
  const signal = new AbortController().signal;
  const asked: string[] = [];
  const deps = (answer: () => Promise<Readonly<Record<string, string>> | undefined>) => ({
    settings,
    clock,
    cluster: {
      configMap(namespace: string, name: string) {
        asked.push(`${namespace}/${name}`);
        return answer();
      },
    } as unknown as Cluster,
  });

  it('asks for one ConfigMap: absent is off, present is on, with or without a reason', async () => {
    expect(
      await readKillSwitch(
        deps(() => Promise.resolve(undefined)),
        signal,
      ),
    ).toEqual(off);
    expect(
      await readKillSwitch(
        deps(() => Promise.resolve({})),
        signal,
      ),
    ).toEqual(known({ engaged: true, reason: '' }));
    expect(asked).toContain(`upgrades/${KILL_SWITCH}`);
  });

  it('D06 stops a run when the API server refuses to show it', async () => {
    const forbidden = new ClusterError('reading ConfigMap: 403', { status: 403, reason: 'Forbidden' });
    await expect(
      mayGoOn(
        deps(() => Promise.reject(forbidden)),
        signal,
      ),
    ).rejects.toThrow(Paused);
  });

  it('lets an API server that is away through as its error, so that it is waited for', async () => {
    const away = new ClusterError('reading ConfigMap: ECONNREFUSED', {
      status: 0,
      reason: 'Unreachable',
      unavailable: true,
    });
    await expect(
      mayGoOn(
        deps(() => Promise.reject(away)),
        signal,
      ),
    ).rejects.toBe(away);
  });

  it('D05 sees that the window has ended while the kill switch has no answer', async () => {
    const night = {
      ...deps(() => new Promise(() => undefined)),
      settings: { ...settings, window: NIGHT },
    };
    await expect(mayGoOn(night, signal)).rejects.toThrow('it is 12:00 UTC, outside the window 23:00 to 05:00 UTC');
  });

  it.each([
    ['23:00', undefined],
    ['12:00', 'it is 12:00 UTC, outside the window 23:00 to 05:00 UTC; it opens Fri 2026-11-20 23:00 UTC'],
  ])('D05 looks at the window of the settings: at %s', async (time, reason) => {
    const night = {
      ...deps(() => Promise.resolve(undefined)),
      settings: { ...settings, window: NIGHT },
      clock: { ...clock, now: () => at(time) },
    };
    const asking = mayGoOn(night, signal);
    if (reason === undefined) await expect(asking).resolves.toBeUndefined();
    else await expect(asking).rejects.toThrow(new Paused(reason));
  });
});
