import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../test/support/example-deps.ts';
import { virtualClock } from '../../test/support/virtual-clock.ts';
import { ClusterError } from '../cluster/kube-error.ts';
import { createLog } from '../log.ts';
import { Paused } from './outcome.ts';
import { createWaiter, type Look, type Probe } from './wait.ts';

const AWAY = new ClusterError('listing nodes: connect ECONNREFUSED', {
  status: 0,
  reason: 'Unreachable',
  unavailable: true,
});

function setup(options: { pauseAt?: number; pollSeconds?: number } = {}) {
  const clock = virtualClock(Date.parse('2026-11-20T23:00:00Z'));
  const seconds = (): number => clock.passed() / 1000;
  const lines: string[] = [];
  const abort = new AbortController();
  const waiter = createWaiter({
    clock,
    log: createLog({ format: 'text', write: (line) => lines.push(line), now: () => clock.now() }),
    pollSeconds: options.pollSeconds ?? 5,
    signal: abort.signal,
    mayGoOn: () =>
      seconds() >= (options.pauseAt ?? Number.POSITIVE_INFINITY)
        ? Promise.reject(new Paused('the kill switch is engaged'))
        : Promise.resolve(),
  });
  return { waiter, seconds, lines, abort, clock };
}

const never = (): Promise<Probe<string>> => Promise.resolve({ done: false, missing: 'w1 is not Ready' });

describe('waiter.until', () => {
  it('asks at once, and then until the probe is done', async () => {
    const { waiter, seconds } = setup();
    const value = await waiter.until(
      'w1',
      () => Promise.resolve(seconds() < 12 ? { done: false, missing: 'x' } : { done: true, value: 'up' }),
      { seconds: 60, remedy: '' },
    );
    expect([value, seconds()]).toEqual(['up', 15]);
  });

  it('ends with what is still missing, and with what to do', async () => {
    const { waiter, seconds } = setup();
    await expect(
      waiter.until('w1 to be Ready', never, { seconds: 60, remedy: 'journalctl -u kubelet' }),
    ).rejects.toMatchObject({
      kind: 'timeout',
      message: 'waiting 60 s for w1 to be Ready: w1 is not Ready',
      remedy: 'journalctl -u kubelet',
    });
    expect(seconds()).toBe(60);
  });

  it('looks once when there is no time to wait', async () => {
    const { waiter, seconds } = setup();
    await expect(waiter.until('w1', never, { seconds: 0, remedy: '' })).rejects.toMatchObject({ kind: 'timeout' });
    expect(seconds()).toBe(0);
  });

  it('D06 sees the kill switch in the middle of a wait', async () => {
    const { waiter, seconds } = setup({ pauseAt: 30 });
    await expect(waiter.until('w1', never, { seconds: 600, remedy: '' })).rejects.toThrow(Paused);
    expect(seconds()).toBe(30);
  });

  it('takes an API server that is away for "not yet", and any other error for the end', async () => {
    const { waiter, seconds } = setup();
    const probe = (): Promise<Probe<string>> =>
      seconds() < 20 ? Promise.reject(AWAY) : Promise.resolve({ done: true, value: 'back' });
    await expect(waiter.until('w1', probe, { seconds: 60, remedy: '' })).resolves.toBe('back');
    await expect(
      waiter.until('w1', () => Promise.reject(new Error('a defect')), { seconds: 60, remedy: '' }),
    ).rejects.toThrow('a defect');
  });

  it('says what it waits for when that changes, and not at every look', async () => {
    const { waiter, lines, seconds } = setup();
    await waiter.until(
      'w1',
      () =>
        Promise.resolve(
          seconds() < 50 ? { done: false, missing: seconds() < 30 ? 'a' : 'b' } : { done: true, value: 0 },
        ),
      { seconds: 60, remedy: '' },
    );
    expect(lines.map((line) => line.slice(9))).toEqual(['waiting for w1 missing=a', 'waiting for w1 missing=b']);
  });

  it('asks again when something has changed, and looks at the kill switch at its own pace', async () => {
    let ms = 0;
    const asked: string[] = [];
    const looks: number[] = [];
    const waiter = createWaiter({
      clock: {
        now: () => new Date(ms),
        monotonic: () => ms,
        sleep: (duration, signal) =>
          new Promise((resolve) => {
            // Listened to, as a real clock does: Node 24 forgets what nobody listens to (AbortSignal.any and its weak references).
            let over = false;
            signal?.addEventListener('abort', () => {
              over = true;
            });
            // Each change comes after a second of the five.
            setTimeout(() => {
              if (!over) ms += duration;
              resolve();
            }, 20);
          }),
      },
      log: createLog({ format: 'text', write: () => undefined, now: () => new Date(ms) }),
      pollSeconds: 5,
      signal: new AbortController().signal,
      mayGoOn: () => Promise.resolve(void looks.push(ms)),
    });
    let changes = 3;
    const changed = (): Promise<void> => {
      if (changes === 0) return new Promise(() => undefined);
      changes -= 1;
      ms += 1000;
      return Promise.resolve();
    };
    await waiter.until(
      'w1',
      (cause) => {
        asked.push(`${cause} ${ms}`);
        return Promise.resolve(ms < 5000 ? { done: false, missing: `${ms}` } : { done: true, value: 0 });
      },
      { seconds: 60, remedy: '', changed },
    );
    expect(asked).toEqual(['poll 0', 'change 1000', 'change 2000', 'change 3000', 'poll 5000']);
    expect(looks).toEqual([0, 5000]);
  });

  it('D06 looks at the kill switch at each poll, also when a timer ends a hair before its time', async () => {
    const seen: string[] = [];
    const clock = virtualClock(0);
    const waiter = createWaiter({
      clock: { ...clock, sleep: (ms, signal) => clock.sleep(ms - 1, signal) },
      log: createLog({ format: 'text', write: () => undefined, now: clock.now }),
      pollSeconds: 5,
      signal: new AbortController().signal,
      mayGoOn: () => Promise.resolve(void seen.push('kill switch')),
    });
    await waiter.until(
      'w1',
      () => {
        seen.push('probe');
        return Promise.resolve(seen.length < 6 ? { done: false, missing: 'x' } : { done: true, value: 0 });
      },
      { seconds: 60, remedy: '' },
    );
    expect(seen).toEqual(['kill switch', 'probe', 'kill switch', 'probe', 'kill switch', 'probe']);
  });

  it('D06 looks at the kill switch however fast changes come', async () => {
    let ms = 0;
    const looks: number[] = [];
    const waiter = createWaiter({
      clock: { now: () => new Date(ms), monotonic: () => ms, sleep: () => new Promise(() => undefined) },
      log: createLog({ format: 'text', write: () => undefined, now: () => new Date(ms) }),
      pollSeconds: 5,
      signal: new AbortController().signal,
      mayGoOn: () => Promise.resolve(void looks.push(ms)),
    });
    await waiter.until(
      'w1',
      () => Promise.resolve((ms += 1000) < 12_000 ? { done: false, missing: 'x' } : { done: true, value: 0 }),
      { seconds: 60, remedy: '', changed: () => Promise.resolve() },
    );
    expect(looks).toEqual([0, 6000]);
  });

  it('does not ask an API server that is away before the next poll, whatever has changed', async () => {
    const { waiter, seconds } = setup();
    const asked: number[] = [];
    await waiter.until(
      'w1',
      () => {
        asked.push(seconds());
        return asked.length < 3 ? Promise.reject(AWAY) : Promise.resolve({ done: true, value: 0 });
      },
      { seconds: 60, remedy: '', changed: () => Promise.resolve() },
    );
    expect(asked).toEqual([0, 5, 10]);
  });

  it('takes no change for a reason to ask an API server that is away', async () => {
    const causes: string[] = [];
    const { clock, log } = exampleWorld().deps;
    const { signal } = new AbortController();
    const waiter = createWaiter({ clock, log, pollSeconds: 5, signal, mayGoOn: () => Promise.resolve() });
    await waiter.until(
      'w1',
      (cause) => {
        causes.push(cause);
        return causes.length < 3 ? Promise.reject(AWAY) : Promise.resolve({ done: true, value: 0 });
      },
      { seconds: 60, remedy: '', changed: () => Promise.resolve() },
    );
    expect(causes).toEqual(['poll', 'poll', 'poll']);
  });

  it.each<[string, string | undefined, string]>([
    ['what to do about that', 'Check the API server.', 'Check the API server.'],
    ['what the wait itself says when that says nothing', undefined, 'journalctl -u kubelet'],
  ])('ends, when the API server stays away, as worth another try, with %s', async (_, remedy, told) => {
    const away = new ClusterError('no answer', {
      status: 0,
      reason: 'Unreachable',
      unavailable: true,
      ...(remedy === undefined ? {} : { remedy }),
    });
    const { waiter } = setup();
    await expect(
      waiter.until('w1', () => Promise.reject(away), { seconds: 60, remedy: 'journalctl -u kubelet' }),
    ).rejects.toMatchObject({
      kind: 'network',
      message: 'waiting 60 s for w1: the API server cannot be asked (no answer)',
      remedy: told,
      cause: away,
    });
  });

  it('ends as a timeout when the API server was away only in between', async () => {
    const { waiter, seconds } = setup();
    const error: unknown = await waiter
      .until('w1', () => (seconds() === 30 ? Promise.reject(AWAY) : never()), { seconds: 60, remedy: 'look' })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: 'timeout', message: 'waiting 60 s for w1: w1 is not Ready', remedy: 'look' });
    expect((error as Error).cause).toBeUndefined();
  });

  it('tells what is missing with the next poll and not with each change', async () => {
    let ms = 0;
    const lines: string[] = [];
    const waiter = createWaiter({
      clock: { now: () => new Date(ms), monotonic: () => ms, sleep: () => new Promise(() => undefined) },
      log: createLog({ format: 'text', write: (line) => lines.push(line), now: () => new Date(ms) }),
      pollSeconds: 5,
      signal: new AbortController().signal,
      mayGoOn: () => Promise.resolve(),
    });
    await waiter.until(
      'the drain',
      () =>
        Promise.resolve((ms += 1000) < 12_000 ? { done: false, missing: `${ms / 1000}` } : { done: true, value: 0 }),
      { seconds: 60, remedy: '', changed: () => Promise.resolve() },
    );
    expect(lines.map((line) => line.slice(9))).toEqual([
      'waiting for the drain missing=1',
      'waiting for the drain missing=7',
    ]);
  });

  it('ends when the process is stopped', async () => {
    const { waiter, abort } = setup();
    abort.abort(new Error('stopped by SIGTERM'));
    await expect(waiter.until('w1', never, { seconds: 60, remedy: '' })).rejects.toThrow('stopped by SIGTERM');
  });
});

const forEver = (): Promise<never> => new Promise(() => undefined);

describe('a look that has no answer', () => {
  it.each([
    ['when the time of the wait is over', { seconds: 60 }, 60],
    ['after ten seconds when the wait is shorter', { seconds: 1 }, 10],
    ['as late as the wait says', { seconds: 0, lookSeconds: 45 }, 45],
  ])('is given up %s, as worth another try', async (_, times, after) => {
    const { waiter, seconds } = setup();
    await expect(waiter.until('w1', forEver, { ...times, remedy: 'look at w1' })).rejects.toMatchObject({
      kind: 'network',
      message: `waiting ${times.seconds} s for w1: there is no answer`,
      remedy: 'look at w1',
    });
    expect(seconds()).toBe(after + 1);
  });

  it('says what was missing before it', async () => {
    const { waiter, seconds } = setup();
    await expect(
      waiter.until('w1', () => (seconds() < 30 ? never() : forEver()), { seconds: 60, remedy: '' }),
    ).rejects.toThrow('waiting 60 s for w1: there is no answer; before: w1 is not Ready');
  });

  it('D06 hides no pause', async () => {
    const { waiter, seconds } = setup({ pauseAt: 30 });
    await expect(waiter.until('w1', forEver, { seconds: 600, remedy: '' })).rejects.toThrow(Paused);
    expect(seconds()).toBe(31);
  });

  it('is not ended by a kill switch that cannot be read', async () => {
    const { clock, log } = exampleWorld().deps;
    const { signal } = new AbortController();
    let isAway = false;
    const mayGoOn = (): Promise<void> => (isAway ? Promise.reject(AWAY) : Promise.resolve());
    const waiter = createWaiter({ clock, log, pollSeconds: 5, signal, mayGoOn });
    const probe = async (): Promise<Probe<string>> => {
      isAway = true;
      await clock.sleep(20_000);
      return { done: true, value: 'up' };
    };
    expect(await waiter.until('w1', probe, { seconds: 60, remedy: '' })).toBe('up');
  });

  it('is given up also while the kill switch itself has no answer', async () => {
    const { clock, log } = exampleWorld().deps;
    const { signal } = new AbortController();
    const waiter = createWaiter({ clock, log, pollSeconds: 5, signal, mayGoOn: forEver });
    await expect(waiter.until('w1', never, { seconds: 60, remedy: '' })).rejects.toMatchObject({ kind: 'network' });
  });

  it('is told that nobody waits any more, and gets the time to end, before the wait does', async () => {
    const { waiter } = setup();
    const order: string[] = [];
    const probe: Look<string> = (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          setImmediate(() => {
            order.push('the look has ended');
            reject(signal.reason as Error);
          });
        });
      });
    await waiter.until('w1', probe, { seconds: 60, remedy: '' }).catch(() => order.push('the wait has ended'));
    expect(order).toEqual(['the look has ended', 'the wait has ended']);
  });

  it('is no no when the process is to stop', async () => {
    const { waiter, abort } = setup();
    const probe = (): Promise<Probe<string>> => {
      abort.abort(new Error('stopped by SIGTERM'));
      return never();
    };
    await expect(waiter.until('w1', probe, { seconds: 0, remedy: '' })).rejects.toThrow('stopped by SIGTERM');
  });

  it('ends also what only lets time pass', async () => {
    const { waiter, seconds } = setup();
    await expect(waiter.pass('soak', 60, forEver)).rejects.toMatchObject({
      kind: 'network',
      message: 'waiting 60 s for soak: there is no answer',
    });
    expect(seconds()).toBe(61);
    const paused = setup({ pauseAt: 30 });
    await expect(paused.waiter.pass('soak', 60, forEver)).rejects.toThrow(Paused);
  });
});

describe('waiter.during', () => {
  it('gives what the work gives, or its error', async () => {
    const { waiter } = setup();
    expect(await waiter.during(() => Promise.resolve('done'))).toBe('done');
    await expect(waiter.during(() => Promise.reject(AWAY))).rejects.toBe(AWAY);
  });

  it('D06 leaves the work when the kill switch is engaged, and tells it', async () => {
    const { waiter, seconds } = setup({ pauseAt: 3600 });
    let told: AbortSignal | undefined;
    const work = (signal: AbortSignal): Promise<never> => {
      told = signal;
      return forEver();
    };
    await expect(waiter.during(work)).rejects.toThrow(Paused);
    expect(seconds()).toBe(3601);
    expect(told?.aborted).toBe(true);
  });

  it('leaves it when the process is to stop', async () => {
    const { waiter, abort, clock } = setup();
    void clock.sleep(20_000).then(() => abort.abort(new Error('stopped by SIGTERM')));
    await expect(waiter.during(forEver)).rejects.toThrow('stopped by SIGTERM');
  });
});

describe('waiter.pass', () => {
  it('lets exactly the time pass, and looks at its end too', async () => {
    const { waiter, seconds } = setup({ pollSeconds: 25 });
    const looks: number[] = [];
    await waiter.pass('soak', 60, () => Promise.resolve(void looks.push(seconds())));
    expect(looks).toEqual([0, 25, 50, 60]);
  });

  it('ends by a look that throws', async () => {
    const { waiter, seconds } = setup();
    await expect(
      waiter.pass('soak', 60, () =>
        seconds() >= 10 ? Promise.reject(new Error('an alert fires')) : Promise.resolve(),
      ),
    ).rejects.toThrow('an alert fires');
    expect(seconds()).toBe(10);
  });

  it('D06 sees the kill switch while it lets time pass', async () => {
    const { waiter, seconds } = setup({ pauseAt: 15 });
    await expect(waiter.pass('soak', 600, () => Promise.resolve())).rejects.toThrow(Paused);
    expect(seconds()).toBe(15);
  });

  it('goes on past an API server that is away', async () => {
    const { waiter, seconds } = setup();
    await waiter.pass('soak', 20, () => (seconds() < 10 ? Promise.reject(AWAY) : Promise.resolve()));
    expect(seconds()).toBe(20);
  });

  it.each<[string, number, string[]]>([
    ['says how long it waits', 20, ['waiting: soak seconds=20']],
    ['looks once and says nothing when there is no time to wait', 0, []],
  ])('%s', async (_, length, said) => {
    const { waiter, seconds, lines } = setup();
    const looks: number[] = [];
    await waiter.pass('soak', length, () => Promise.resolve(void looks.push(seconds())));
    expect(looks.at(-1)).toBe(length);
    expect(lines.map((line) => line.slice(9))).toEqual(said);
  });
});
