import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import ssh2 from 'ssh2';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../clock.ts';
import { NightliftError } from '../errors.ts';
import { createLog } from '../log.ts';
import { replaceProgram, sudoMark } from '../rehearsal/nodes/bin-directory.ts';
import { generateSshKey } from '../rehearsal/nodes/ssh-key.ts';
import { scriptTemplate, startTestBench, type TestBench } from '../rehearsal/nodes/test-bench.ts';
import { until } from '../rehearsal/nodes/test-steps.ts';
import { WITHOUT_LOCK } from './fence.ts';
import type { NodeShell } from './node-shell.ts';
import type { SshSettings } from './ssh-connection.ts';
import { createSshNodeShell, type SshNodeShellOptions } from './ssh-node-shell.ts';

const NODES = { nodes: [{ name: 'w1', role: 'worker', version: '1.36.3' }] as const, published: [] };
const HELLO = { name: 'hello', text: 'echo hello from root', variables: {} };

function shellOf(
  bench: TestBench,
  settings: Partial<SshSettings> = {},
  knownHosts = bench.nodes.knownHosts,
  more: Partial<SshNodeShellOptions> = {},
): NodeShell {
  const { user, port, privateKeyPem } = bench.nodes;
  return createSshNodeShell({
    settings: { user, port, privateKey: privateKeyPem, hostKeys: 'pinned', connectTimeoutMs: 2000, ...settings },
    knownHosts,
    templates: scriptTemplate,
    log: createLog({ format: 'text', write: () => undefined, now: () => new Date() }),
    clock: systemClock(),
    ...more,
  });
}

const isThere = (pid: string): boolean => existsSync(`/proc/${pid.trim()}`);

async function failure(bench: TestBench, shell: NodeShell): Promise<NightliftError> {
  try {
    await shell.run(bench.address('w1'), HELLO, AbortSignal.timeout(10_000));
  } catch (error) {
    if (error instanceof NightliftError) return error;
    throw error;
  } finally {
    await shell.close();
  }
  throw new Error('it did not fail');
}

describe('the SSH shell', () => {
  it('runs a script as root over one connection', async () => {
    await using bench = await startTestBench(NODES);
    for (const _ of [1, 2, 3]) {
      expect(await bench.shell.run(bench.address('w1'), HELLO, AbortSignal.timeout(5000))).toEqual({
        exitCode: 0,
        stdout: 'hello from root\n',
        stderr: '',
      });
    }
    expect(bench.nodes.sshRequests()).toBe(3);
  });

  it('keeps both streams apart, and the exit code', async () => {
    await using bench = await startTestBench(NODES);
    const script = { name: 'test', text: 'echo out; echo err >&2; exit 7', variables: {} };
    const result = await bench.shell.run(bench.address('w1'), script, AbortSignal.timeout(5000));
    expect(result).toEqual({ exitCode: 7, stdout: 'out\n', stderr: 'err\n' });
  });

  it.each(['Welcome to w1.\nAuthorised use only.\n', 'no line end'])(
    'leaves out what a login shell greets with: %o',
    async (greeting) => {
      await using bench = await startTestBench(NODES);
      bench.nodes.node('w1').knobs.greeting = greeting;
      const script = { name: 'test', text: 'printf "\\nout\\n"; echo err >&2; exit 7', variables: {} };
      const result = await bench.shell.run(bench.address('w1'), script, AbortSignal.timeout(5000));
      expect(result).toEqual({ exitCode: 7, stdout: '\nout\n', stderr: 'err\n' });
      const lines: string[] = [];
      const { exitCode } = await bench.shell.runDetached(
        bench.address('w1'),
        { unit: 'nightlift-greeted', script: HELLO, fence: WITHOUT_LOCK, timeLimitSeconds: 60 },
        { signal: AbortSignal.timeout(20_000), onLine: (line) => lines.push(line) },
      );
      expect([exitCode, lines]).toEqual([0, ['hello from root']]);
    },
  );

  it('keeps all that is said when the script never began', async () => {
    await using bench = await startTestBench(NODES);
    const { machine, knobs } = bench.nodes.node('w1');
    knobs.greeting = 'Welcome to w1.\n';
    writeFileSync(sudoMark(machine), '');
    expect((await failure(bench, shellOf(bench))).message).toMatch(
      /^becoming root on w1: sudo: a password is required/,
    );
  });

  it('D15 refuses a node whose host key is not pinned', async () => {
    await using bench = await startTestBench(NODES);
    const error = await failure(bench, shellOf(bench, {}, ''));
    expect(error.kind).toBe('node');
    expect(error.message).toContain('no host key is pinned for this node');
    expect(error.remedy).toContain('ssh-keyscan');
    expect(bench.nodes.sshRequests()).toBe(0);
  });

  it('names an IPv6 address so that its port can be told from it', async () => {
    await using bench = await startTestBench(NODES);
    const asked = shellOf(bench, { port: 2222 }, '').run(
      { name: 'w6', internalIp: 'fd00::1' },
      HELLO,
      AbortSignal.timeout(5000),
    );
    await expect(asked).rejects.toThrow(/connecting to w6 \([^()@]+@\[fd00::1\]:2222\): no host key is pinned/);
  });

  it('D15 refuses a changed host key and names both fingerprints', async () => {
    await using bench = await startTestBench(NODES);
    const other = generateSshKey().public;
    const where = bench.nodes.knownHosts.split(' ')[0] ?? '';
    const error = await failure(bench, shellOf(bench, {}, `${where} ${other}\n`));
    expect(error.message).toMatch(/the host key has changed: it shows SHA256:\S{43}, pinned is SHA256:\S{43}/);
    expect(error.kind).toBe('node');
  });

  it('says so when the pinned key is of a type that the node does not have', async () => {
    await using bench = await startTestBench(NODES);
    const other = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }).public;
    const where = bench.nodes.knownHosts.split(' ')[0] ?? '';
    const error = await failure(bench, shellOf(bench, {}, `${where} ${other}\n`));
    expect(error.message).toContain('has no host key of the pinned type ecdsa-sha2-nistp256');
  });

  it('takes an unpinned key only when it is told to, and then holds the node to it', async () => {
    await using bench = await startTestBench(NODES);
    const shell = shellOf(bench, { hostKeys: 'accept-new-in-memory' }, '');
    expect(await shell.run(bench.address('w1'), HELLO, AbortSignal.timeout(5000))).toMatchObject({ exitCode: 0 });
    await shell.close();
  });

  it.each([
    [
      'a key that the node does not know',
      { privateKey: generateSshKey().private },
      'the node refused the login',
      'authorized_keys',
    ],
    ['a user that is not there', { user: 'nobody' }, 'the node refused the login', '~nobody/.ssh'],
  ])('tells %s', async (_, settings, message, remedy) => {
    await using bench = await startTestBench(NODES);
    const error = await failure(bench, shellOf(bench, settings));
    expect(error.kind).toBe('node');
    expect(error.message).toContain(message);
    expect(error.remedy).toContain(remedy);
  });

  it('tells a port where nobody listens, which may heal by itself', async () => {
    await using bench = await startTestBench(NODES);
    const key = bench.nodes.knownHosts.split(' ').slice(1).join(' ');
    const error = await failure(bench, shellOf(bench, { port: 1 }, `[${bench.address('w1').internalIp}]:1 ${key}`));
    expect(error.kind).toBe('network');
    expect(error.message).toContain('nothing listens there');
  });

  it('tells a sudo that wants a password', async () => {
    await using bench = await startTestBench(NODES);
    bench.nodes.node('w1').setSudoNeedsPassword(true);
    const error = await failure(bench, shellOf(bench));
    expect(error.message).toBe('becoming root on w1: sudo: a password is required');
    expect(error.remedy).toContain('NOPASSWD');
  });

  it.each([
    ['not a key', 'reading the SSH private key'],
    ['', 'reading the SSH private key'],
  ])('refuses the private key %j at once', async (privateKey, message) => {
    await using bench = await startTestBench(NODES);
    expect(() => shellOf(bench, { privateKey })).toThrow(message);
  });

  it('gives an unknown outcome, never success, when the connection ends first', async () => {
    await using bench = await startTestBench(NODES);
    const script = { name: 'test', text: 'echo begun; sleep 5', variables: {} };
    const result = bench.shell.run(bench.address('w1'), script, AbortSignal.timeout(10_000));
    setTimeout(() => bench.nodes.node('w1').dropConnections(), 500);
    expect(await result).toMatchObject({ exitCode: null });
    expect(await bench.shell.run(bench.address('w1'), HELLO, AbortSignal.timeout(5000))).toMatchObject({ exitCode: 0 });
  });

  it('ends its wait when it is told to', async () => {
    await using bench = await startTestBench(NODES);
    const script = { name: 'test', text: 'sleep 20', variables: {} };
    await expect(bench.shell.run(bench.address('w1'), script, AbortSignal.timeout(300))).rejects.toThrow(/timeout/i);
  });

  it('runs nothing of a script that arrived in half', async () => {
    await using bench = await startTestBench(NODES);
    const script = { name: 'test', text: 'echo first\nif true; then\n', variables: {} };
    const result = await bench.shell.run(bench.address('w1'), script, AbortSignal.timeout(5000));
    expect(result.exitCode).not.toBe(0);
    expect(result.stdout).toBe('');
  });
});

describe('a command that does not end', () => {
  const ONE_SECOND = { timeLimitSeconds: () => 1 };
  const HANGS = 'sleep 300 & echo "$!" >"$NIGHTLIFT_ROOT/pid"; sleep 300';

  it('is ended on the node when its time is over, with all that it has started', async () => {
    await using bench = await startTestBench(NODES);
    const shell = shellOf(bench, {}, bench.nodes.knownHosts, ONE_SECOND);
    const script = { name: 'node-state', text: HANGS, variables: {} };
    expect(await shell.run(bench.address('w1'), script, AbortSignal.timeout(8000))).toMatchObject({ exitCode: 124 });
    const pid = readFileSync(bench.nodes.node('w1').machine.path('/pid'), 'utf8');
    await until(() => !isThere(pid));
    await shell.close();
  });

  it('is ended on the node also when the connection was lost', async () => {
    await using bench = await startTestBench(NODES);
    const shell = shellOf(bench, {}, bench.nodes.knownHosts, ONE_SECOND);
    const running = shell.run(
      bench.address('w1'),
      { name: 'test', text: HANGS, variables: {} },
      AbortSignal.timeout(8000),
    );
    const file = bench.nodes.node('w1').machine.path('/pid');
    await until(() => existsSync(file) && readFileSync(file, 'utf8') !== '');
    bench.nodes.node('w1').dropConnections();
    expect(await running).toMatchObject({ exitCode: null });
    const pid = readFileSync(file, 'utf8');
    expect(isThere(pid)).toBe(true);
    await until(() => !isThere(pid));
    await shell.close();
  });

  it('ends, with all that it has started, when its node is restarted', async () => {
    await using bench = await startTestBench(NODES);
    const node = bench.nodes.node('w1');
    const running = bench.shell.run(
      bench.address('w1'),
      { name: 'test', text: HANGS, variables: {} },
      AbortSignal.timeout(8000),
    );
    const file = node.machine.path('/pid');
    await until(() => existsSync(file) && readFileSync(file, 'utf8') !== '');
    await node.reboot(0);
    expect(await running).toMatchObject({ exitCode: null });
    await until(() => !isThere(readFileSync(file, 'utf8')));
  });

  it('is given up by this side when the node does not keep to its limit', async () => {
    await using bench = await startTestBench(NODES);
    const { machine } = bench.nodes.node('w1');
    replaceProgram(machine, 'timeout', '#!/bin/bash\nexec "${@:3}"\n');
    const shell = shellOf(bench, {}, bench.nodes.knownHosts, { ...ONE_SECOND, marginSeconds: 1 });
    const error = await shell
      .run(bench.address('w1'), { name: 'node-state', text: 'sleep 20', variables: {} }, AbortSignal.timeout(8000))
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      kind: 'network',
      message: 'running node-state.sh on w1: no answer within 2 s',
    });
    await shell.close();
  });

  it('is left to itself when it ends in time', async () => {
    await using bench = await startTestBench(NODES);
    const shell = shellOf(bench, {}, bench.nodes.knownHosts, { timeLimitSeconds: () => 5 });
    const script = { name: 'test', text: 'sleep 0.5; cat; echo done; exit 9', variables: {} };
    expect(await shell.run(bench.address('w1'), script, AbortSignal.timeout(8000))).toEqual({
      exitCode: 9,
      stdout: 'done\n',
      stderr: '',
    });
    await shell.close();
  });
});

describe('connections of the SSH shell', () => {
  it('makes room for the next node by leaving the one that was not used for longest, never one that is in use', async () => {
    const names = ['w1', 'w2', 'w3'] as const;
    await using bench = await startTestBench({
      nodes: names.map((name) => ({ name, role: 'worker', version: '1.36.3' }) as const),
      published: [],
    });
    const shell = shellOf(bench, {}, bench.nodes.knownHosts, { maxOpen: 2 });
    const socketOf = async (node: string, text = ''): Promise<string> => {
      const script = { name: 'test', text: `echo "$SSH_CONNECTION"; ${text}`, variables: {} };
      const { stdout } = await shell.run(bench.address(node), script, AbortSignal.timeout(10_000));
      return stdout;
    };
    const slow = socketOf('w1', 'sleep 1');
    await until(() => bench.nodes.sshConnections().made === 1);
    await socketOf('w2');
    await socketOf('w3');
    // w2 was idle and went; w1 is at work.
    await until(() => bench.nodes.sshConnections().open === 2);
    await slow;
    await socketOf('w1');
    await socketOf('w3');
    expect(bench.nodes.sshConnections().made).toBe(3);
    await socketOf('w2');
    expect(bench.nodes.sshConnections().made).toBe(4);
    await shell.close();
  });
});
