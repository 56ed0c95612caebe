import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LockLost } from '../../errors.ts';
import { type Fence, WITHOUT_LOCK } from '../../node/fence.ts';
import type { DetachedResult, NodeShell } from '../../node/node-shell.ts';
import { startTestBench, type TestBench } from './test-bench.ts';
import { BOTH, run, thisNode, until } from './test-steps.ts';

const OLD: Fence = { generation: 1_795_302_000_000, holder: 'k8s-upgrade-worker-a-abcde' };
const NEW: Fence = { generation: 1_795_302_060_001, holder: 'k8s-upgrade-worker-b-12345' };

const BACKUP = '/etc/kubernetes/tmp/kubeadm-backup-manifests';

describe('fence.sh', () => {
  let bench: TestBench;
  beforeAll(async () => {
    bench = await startTestBench(BOTH);
  });
  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });
  beforeEach(() => rmSync(file(), { force: true }));

  const path = (name: string): string => bench.nodes.node('cp1').machine.path(name);
  const file = (): string => path('/var/lib/nightlift/lock-generation');
  const restore = (fence: Fence, text: string) =>
    run(bench, 'cp1', bench.scripts.runScript({ ...thisNode('cp1'), ...fence, text }));
  const detached = (
    fence: Fence,
    text: string,
    more: { shell?: NodeShell; unit?: string } = {},
  ): Promise<DetachedResult> =>
    (more.shell ?? bench.shell).runDetached(
      bench.address('cp1'),
      {
        unit: more.unit ?? 'nightlift-test',
        script: { name: 'test', text, variables: {} },
        fence,
        timeLimitSeconds: 60,
      },
      { signal: AbortSignal.timeout(20_000), onLine: () => undefined },
    );

  it('lets a holder in as often as it comes, and the next one after it', async () => {
    for (const fence of [OLD, OLD, NEW, NEW])
      expect(await restore(fence, 'echo done')).toMatchObject({ stdout: 'done\n' });
    expect(readFileSync(file(), 'utf8')).toBe(`${NEW.generation} ${NEW.holder}\n`);
  });

  it.each<[string, (fence: Fence) => ReturnType<typeof restore>]>([
    ["an operator's script", (fence) => restore(fence, `rm -r "$NIGHTLIFT_ROOT${BACKUP}"`)],
    [
      'the removal of backups',
      (fence) => run(bench, 'cp1', bench.scripts.pruneBackups({ ...thisNode('cp1'), ...fence, days: 3 })),
    ],
  ])('refuses %s of an old holder when the new one has been here', async (_, send) => {
    const backup = path(BACKUP);
    mkdirSync(backup, { recursive: true });
    utimesSync(backup, 0, 0);
    await detached(NEW, 'echo at work');
    const result = await send(OLD);
    expect(result).toMatchObject({ exitCode: 53, stdout: '' });
    expect(result.stderr).toContain(
      `nightlift: failed: the lock of the chain is not ${OLD.holder}'s any more: ${NEW.holder} has been here after it; nothing was started`,
    );
    expect(existsSync(backup)).toBe(true);
    expect(await send(NEW)).toMatchObject({ exitCode: 0 });
    expect(existsSync(backup)).toBe(false);
  });

  it('starts no command of an old holder, and does not let it follow that of the new one', async () => {
    await restore(NEW, 'true');
    const error: unknown = await detached(OLD, 'echo harm').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LockLost);
    expect(error).toMatchObject({ kind: 'network', lapsed: false });
    expect(String(error)).toContain('detached-arrive.sh ended with exit code 53');
    expect(bench.nodes.commands.matching(/^systemd-run/, 'cp1')).not.toContainEqual(expect.stringContaining('harm'));
    expect(existsSync(path('/var/lib/nightlift/units/nightlift-test'))).toBe(false);
  });

  it('lets the new holder follow what the old one has started', async () => {
    const old = detached(OLD, 'echo begun; sleep 1; echo done', { unit: 'nightlift-handed-over' });
    await until(() => existsSync(path('/var/lib/nightlift/units/nightlift-handed-over/script')));
    expect(
      await detached(NEW, 'echo begun; sleep 1; echo done', {
        unit: 'nightlift-handed-over',
        shell: bench.secondShell(),
      }),
    ).toMatchObject({ exitCode: 0, tail: 'begun\ndone' });
    await old;
  });

  it('refuses an old holder that has waited for the lock of the units while the new one arrived', async () => {
    const started = bench.nodes.commands.matching(/^systemd-run/, 'cp1').length;
    // The new holder is in the middle of its arrival.
    const lock = path('/var/lib/nightlift/units/.lock');
    const holdup = run(bench, 'cp1', {
      name: 'holdup',
      text: `exec 9>"${lock}"; flock 9; sleep 1; printf '%s %s\\n' ${NEW.generation} ${NEW.holder} >"${file()}"`,
      variables: {},
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await expect(detached(OLD, 'echo harm', { shell: bench.secondShell() })).rejects.toThrow('exit code 53');
    await holdup;
    expect(bench.nodes.commands.matching(/^systemd-run/, 'cp1')).toHaveLength(started);
  });

  it('refuses whoever holds no lock where a holder has been', async () => {
    await restore(OLD, 'true');
    expect(await restore(WITHOUT_LOCK, 'echo harm')).toMatchObject({ exitCode: 53, stdout: '' });
  });

  it.each(['', 'garbage\n', '-1 x\n', '9999999999999999999999 x\n'])(
    'starts nothing when nobody knows whose turn it is: %j',
    async (text) => {
      await restore(OLD, 'true');
      writeFileSync(file(), text);
      expect(await restore(NEW, 'echo harm')).toMatchObject({ exitCode: 53, stdout: '' });
    },
  );

  it('asks nothing of those who only look', async () => {
    await restore(NEW, 'true');
    expect(await run(bench, 'cp1', bench.scripts.nodeState())).toMatchObject({ exitCode: 0 });
    expect(await run(bench, 'cp1', bench.scripts.thisNode(thisNode('cp1')))).toMatchObject({ exitCode: 0 });
  });
});
