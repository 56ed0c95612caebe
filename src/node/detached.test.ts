import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { virtualClock } from '../../test/support/virtual-clock.ts';
import { createLog } from '../log.ts';
import { scriptTemplate, startTestBench, type TestBench } from '../rehearsal/nodes/test-bench.ts';
import { until } from '../rehearsal/nodes/test-steps.ts';
import { followDetached } from './detached.ts';
import { type Fence, WITHOUT_LOCK } from './fence.ts';
import type { CommandResult, DetachedResult, NodeShell } from './node-shell.ts';
import type { NodeScript } from './scripts.ts';

const NODES = { nodes: [{ name: 'w1', role: 'worker', version: '1.36.3' }] as const, published: [] };

function detached(
  bench: TestBench,
  text: string,
  more: {
    shell?: NodeShell;
    lines?: string[];
    signal?: AbortSignal;
    timeLimitSeconds?: number;
    fence?: Fence;
    answers?: readonly number[];
  } = {},
): Promise<DetachedResult> {
  return (more.shell ?? bench.shell).runDetached(
    bench.address('w1'),
    {
      unit: 'nightlift-test',
      script: { name: 'test', text, variables: {} },
      fence: more.fence ?? WITHOUT_LOCK,
      timeLimitSeconds: more.timeLimitSeconds ?? 60,
      ...(more.answers === undefined ? {} : { answers: more.answers }),
    },
    { signal: more.signal ?? AbortSignal.timeout(20_000), onLine: (line) => more.lines?.push(line) },
  );
}

function runs(bench: TestBench): number {
  return bench.nodes.commands.matching(/^systemd-run/).length;
}

function units(bench: TestBench): readonly string[] {
  return readdirSync(bench.nodes.node('w1').machine.path('/var/lib/nightlift/units')).filter(
    (name) => name !== '.lock',
  );
}

const SLOW = 'for n in 1 2 3 4 5 6 7 8; do echo "line $n"; sleep 0.2; done';
const ALL = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `line ${n}`);

describe('a detached command', () => {
  it.each([
    { answers: [28, 60], left: [] },
    { answers: [], left: ['nightlift-test'] },
  ])(
    'that ends with 60 leaves $left on the node when $answers are answers and no failures',
    async ({ answers, left }) => {
      await using bench = await startTestBench(NODES);
      const result = { exitCode: 60, attached: false, tail: 'no etcd here' };
      expect(await detached(bench, 'echo no etcd here; exit 60', { answers })).toEqual(result);
      expect(units(bench)).toEqual(left);
      // The same asked again is looked at anew.
      expect(await detached(bench, 'echo no etcd here; exit 60', { answers })).toEqual(result);
      expect(runs(bench)).toBe(2);
    },
  );

  it('gives its lines as they come, its exit code and its tail, and leaves only its log', async () => {
    await using bench = await startTestBench(NODES);
    const lines: string[] = [];
    expect(await detached(bench, 'echo grün; printf "no newline" >&2', { lines })).toEqual({
      exitCode: 0,
      attached: false,
      tail: 'grün\nno newline',
    });
    expect(lines).toEqual(['grün', 'no newline']);
    expect(units(bench)).toEqual([]);
    expect(readdirSync(bench.nodes.node('w1').machine.path('/var/lib/nightlift/log')).toSorted()).toEqual([
      'nightlift-test.log',
      'nightlift-test.rc',
    ]);
  });

  it('gives its lines without colours and progress displays', async () => {
    await using bench = await startTestBench(NODES);
    const text = "printf '\\033[0;37mOS\\033[0m: \\033[0;32mLinux\\033[0m\\n(Reading 5%%\\r(Reading 100%%\\r\\n'";
    expect(await detached(bench, text)).toMatchObject({ tail: 'OS: Linux\n(Reading 100%' });
  });

  it('goes on while the connection is lost, and is followed without a gap', async () => {
    await using bench = await startTestBench(NODES);
    const lines: string[] = [];
    const result = detached(bench, SLOW, { lines });
    await until(() => lines.length >= 2);
    bench.nodes.node('w1').dropConnections();
    expect(await result).toMatchObject({ exitCode: 0, attached: false });
    expect(lines).toEqual(ALL);
    expect(runs(bench)).toBe(1);
    expect(bench.log.join('\n')).toContain('connection to the node lost');
  });

  it('outlives whoever started it: the next one attaches and sees it from its beginning', async () => {
    await using bench = await startTestBench(NODES);
    const first: string[] = [];
    const killed = new AbortController();
    const result = detached(bench, SLOW, { lines: first, signal: killed.signal });
    await until(() => first.length >= 2);
    killed.abort(new Error('the Job was killed'));
    await expect(result).rejects.toThrow('the Job was killed');

    const second: string[] = [];
    expect(await detached(bench, SLOW, { shell: bench.secondShell(), lines: second })).toMatchObject({
      exitCode: 0,
      attached: true,
    });
    expect(second).toEqual(ALL);
    expect(runs(bench)).toBe(1);
  });

  it('is accepted once when it ended well with nobody there', async () => {
    await using bench = await startTestBench(NODES);
    const killed = new AbortController();
    const text = 'echo begun; sleep 0.3; echo done';
    const lines: string[] = [];
    const result = detached(bench, text, { signal: killed.signal, lines });
    await until(() => lines.length > 0);
    killed.abort(new Error('the Job was killed'));
    await expect(result).rejects.toThrow('the Job was killed');
    await until(() => bench.nodes.node('w1').machine.units.size === 0);
    expect(await detached(bench, text)).toMatchObject({ exitCode: 0, attached: true, tail: 'begun\ndone' });
    expect(runs(bench)).toBe(1);
    expect(await detached(bench, text)).toMatchObject({ attached: false });
    expect(runs(bench)).toBe(2);
  });

  it('is started once by two callers at the same moment', async () => {
    await using bench = await startTestBench(NODES);
    const results = await Promise.all([detached(bench, SLOW), detached(bench, SLOW, { shell: bench.secondShell() })]);
    expect(results.map(({ exitCode, tail }) => ({ exitCode, tail }))).toEqual(
      Array(2).fill({ exitCode: 0, tail: ALL.join('\n') }),
    );
    expect(results.filter(({ attached }) => attached)).toHaveLength(1);
    expect(runs(bench)).toBe(1);
  });

  it('is not started beside another one of the same name', async () => {
    await using bench = await startTestBench(NODES);
    const lines: string[] = [];
    const first = detached(bench, SLOW, { lines });
    await until(() => lines.length > 0);
    await expect(detached(bench, 'echo something else', { shell: bench.secondShell() })).rejects.toThrow(
      'starting command nightlift-test on w1: the same unit is running a different script there',
    );
    expect(await first).toMatchObject({ exitCode: 0 });
  });

  it('is started anew after a failure', async () => {
    await using bench = await startTestBench(NODES);
    expect(await detached(bench, 'echo no; exit 7')).toEqual({ exitCode: 7, attached: false, tail: 'no' });
    expect(units(bench)).toEqual(['nightlift-test']);
    expect(await detached(bench, 'echo no; exit 7')).toMatchObject({ exitCode: 7, attached: false });
    expect(runs(bench)).toBe(2);
    expect(bench.log.join('\n')).toContain('after an earlier run that ended with: exit-code exited 7');
  });

  it('is started anew when the node was restarted under it', async () => {
    await using bench = await startTestBench(NODES);
    const lines: string[] = [];
    const text = 'echo begun; test -e "$NIGHTLIFT_ROOT/tmp/mark" && exit 0; touch "$NIGHTLIFT_ROOT/tmp/mark"; sleep 30';
    const result = detached(bench, text, { lines });
    await until(() => lines.length > 0);
    await bench.nodes.node('w1').reboot(300);
    expect(await result).toMatchObject({ exitCode: 0 });
    expect(runs(bench)).toBe(2);
    expect(bench.log.join('\n')).toContain('vanished without an exit code');
  });

  it('is ended at its time limit', async () => {
    await using bench = await startTestBench(NODES);
    const result = await detached(bench, 'echo begun; sleep 30', { timeLimitSeconds: 1 });
    expect(result).toMatchObject({ exitCode: 124 });
    expect(result.tail).toContain('ran over its time limit');
  });

  it('keeps the logs of the last five', async () => {
    await using bench = await startTestBench(NODES);
    for (const n of [1, 2, 3, 4, 5, 6, 7]) {
      const command = {
        unit: `nightlift-${n}`,
        script: { name: 'test', text: 'echo done', variables: {} },
        fence: WITHOUT_LOCK,
        timeLimitSeconds: 10,
      };
      await bench.shell.runDetached(bench.address('w1'), command, {
        signal: AbortSignal.timeout(10_000),
        onLine: () => undefined,
      });
    }
    const logs = readdirSync(bench.nodes.node('w1').machine.path('/var/lib/nightlift/log')).filter((name) =>
      name.endsWith('.log'),
    );
    expect(logs.toSorted()).toEqual([3, 4, 5, 6, 7].map((n) => `nightlift-${n}.log`));
  });

  it('hands over a long log whole', async () => {
    await using bench = await startTestBench(NODES);
    const lines: string[] = [];
    await detached(bench, 'for n in $(seq 20000); do echo "line $n of a long log, öä"; done', { lines });
    expect(lines).toHaveLength(20_000);
    expect(lines.at(-1)).toBe('line 20000 of a long log, öä');
  });
});

it('is not followed for ever when systemd cannot end it', async () => {
  const clock = virtualClock(0);
  const run = async (script: NodeScript): Promise<CommandResult> => {
    const answer = (state: string): CommandResult => ({
      exitCode: 0,
      stdout: `nightlift-unit\t${state}\t\n`,
      stderr: '',
    });
    if (script.name === 'detached-arrive') return answer('started');
    await clock.sleep(10_000);
    return answer('running');
  };
  const log = createLog({ format: 'text', write: () => undefined, now: clock.now });
  const { signal } = new AbortController();
  const command = {
    unit: 'nightlift-test',
    script: { name: 'test', text: '', variables: {} },
    fence: WITHOUT_LOCK,
    timeLimitSeconds: 600,
  };
  await expect(
    followDetached({
      command,
      run,
      log,
      clock,
      signal,
      templates: scriptTemplate,
      node: { name: 'w1', internalIp: '192.0.2.1' },
      onLine: () => undefined,
      pollSeconds: 10,
      lossDeadlineMs: 1000,
    }),
  ).rejects.toMatchObject({
    kind: 'node',
    message:
      'following command nightlift-test on w1: it still runs 180 s after its limit of 600 s, at which systemd ends it',
  });
  expect(clock.passed()).toBe(780_000);
});
