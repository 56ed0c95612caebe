import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NIGHT_MS } from './nights.ts';
import { buildOwnProgram, type Program, TEMPLATES } from './program.ts';

let program: Program | undefined;
let temporary = '';
beforeAll(() => {
  program = buildOwnProgram();
  temporary = mkdtempSync(join(tmpdir(), 'nightlift-demo-'));
});
afterAll(() => {
  program?.remove();
  rmSync(temporary, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `nightlift demo` with nothing of our environment; `interrupt` says after which output Ctrl-C is pressed. */
function demo(args: readonly string[], interrupt?: RegExp, how: 'Ctrl-C' | 'close stdout' = 'Ctrl-C'): Promise<Ended> {
  const child = spawn(process.execPath, [program?.file ?? '', 'demo', ...args], {
    env: { PATH: process.env['PATH'] ?? '', TMPDIR: temporary, NIGHTLIFT_TEMPLATES: TEMPLATES },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out = { stdout: '', stderr: '' };
  let isInterrupted = false;
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      out[name] += text;
      // Once: at the second Ctrl-C the program ends where it stands, and its folder stays.
      if (isInterrupted || interrupt?.test(out[name]) !== true) return;
      isInterrupted = true;
      if (how === 'Ctrl-C') child.kill('SIGINT');
      else child.stdout.destroy();
    });
  }
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...out })));
}

/** Processes of the program that is under test, other than this one's own children by name. */
function leftProcesses(): readonly string[] {
  const ids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return ids.flatMap((id) => {
    try {
      const line = readFileSync(`/proc/${id}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return line.includes(program?.file ?? '') || line.includes(temporary) ? [line] : [];
    } catch {
      return [];
    }
  });
}

describe('nightlift demo', { timeout: NIGHT_MS }, () => {
  it('ends with one JSON object, and leaves nothing behind', async () => {
    const { code, stdout } = await demo(['--scenario', 'blocked', '--nodes', '2', '--speed', '2000', '-o', 'json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      scenario: 'blocked',
      outcome: 'blocked',
      target: '1.36.4',
      nodes: [
        { name: 'control-1', role: 'control-plane', version: '1.35.8', schedulable: true },
        { name: 'worker-1', role: 'worker', version: '1.35.8', schedulable: true },
      ],
      refusals: [{ check: 'addon-compat', class: 'actionable' }, { check: 'removed-apis' }],
      slack: expect.stringContaining('BLOCKED') as string,
      requests: { api: expect.any(Number) as number, ssh: 3, http: expect.any(Number) as number },
      differences: [],
    });
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('says as plain lines what changed, then shows the message of the morning', async () => {
    const { code, stdout } = await demo(['--nodes', '2', '--speed', '2000']);
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d control-1: API server 1\.36\.3 → 1\.36\.4$/m);
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d worker-1: kubelet 1\.36\.3 → 1\.36\.4$/m);
    expect(stdout).toMatch(/Job k8s-upgrade-master-1-36-4: complete after [\d.]+ s$/m);
    expect(stdout).toMatch(/^│ 🟢 UPGRADED — all nodes now on 1\.36\.4$/m);
    expect(stdout).not.toContain('\u001b');
    expect(code).toBe(0);
  });

  it('interrupted, it ends its processes and removes its folder', async () => {
    const { code, stderr } = await demo([], /cordoned/);
    expect(code).toBe(130);
    expect(stderr).not.toMatch(/at .*\.cjs/);
    expect(readdirSync(temporary)).toEqual([]);
    if (process.platform === 'linux') expect(leftProcesses()).toEqual([]);
  });

  it('ends without a word when nobody reads its output any more, and removes its folder', async () => {
    const { code, stderr } = await demo(['--nodes', '2', '--speed', '2000'], /control-plane/, 'close stdout');
    expect([code, stderr]).toEqual([141, '']);
    expect(readdirSync(temporary)).toEqual([]);
    if (process.platform === 'linux') expect(leftProcesses()).toEqual([]);
  });

  it.each([
    [['--scenario', 'patc'], 'did you mean "patch"'],
    [['--scenario', 'ha', '--nodes', '3'], '"3" is no whole number from 4 to 30'],
    [['--nodes', '2.5'], 'no whole number'],
    [['--nodes', ''], 'no whole number'],
    [['--speed', '0'], '"0" is no number from 1 to 3600'],
    [['--output', 'xml'], 'none of text, json and yaml'],
  ])('refuses %s with exit code 64', async (args, says) => {
    const { code, stdout, stderr } = await demo(args);
    expect(code).toBe(64);
    expect(stdout).toBe('');
    expect(stderr).toContain(says);
  });
});
