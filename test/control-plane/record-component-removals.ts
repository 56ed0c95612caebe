import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { type ControlPlane, startControlPlane } from './real-control-plane.ts';

/** One release of each minor, in order: what a minor removes is what the one before it knew. */
const RELEASES = ['1.35.8', '1.36.4', '1.37.1'];
const PROGRAMS = ['kubelet', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

export const REMOVALS_FILE = join(import.meta.dirname, '../../src/gate/component-removals.json');

interface Known {
  readonly directory: string;
  readonly flags: Readonly<Record<string, ReadonlySet<string>>>;
  readonly gates: ReadonlySet<string>;
  readonly locked: Readonly<Record<string, boolean>>;
}

interface Removals {
  readonly flags: Readonly<Record<string, readonly string[]>>;
  readonly gates: readonly string[];
  /** Gates that now have one value only. */
  readonly locked: Readonly<Record<string, boolean>>;
}

/** By minor, from the second release on: flags and feature gates that real programs of the minor before know and its own refuse. */
async function componentRemovals(): Promise<Record<string, Removals>> {
  const removals: Record<string, Removals> = {};
  let before: Known | undefined;
  for (const version of RELEASES) {
    const controlPlane = await startControlPlane({ version });
    if ('missing' in controlPlane) throw new Error(controlPlane.missing);
    try {
      const now = await knownTo(controlPlane);
      if (before !== undefined) removals[version.split('.').slice(0, 2).join('.')] = between(before, now);
      before = now;
    } finally {
      await controlPlane.close();
    }
  }
  return removals;
}

function between(before: Known, now: Known): Removals {
  const flags = PROGRAMS.map((program) => [
    program,
    [...(before.flags[program] ?? [])].filter((flag) => isUnknown(now.directory, program, flag)).toSorted(),
  ]);
  const locked = Object.entries(now.locked).filter(([gate]) => before.gates.has(gate) && !(gate in before.locked));
  return {
    flags: Object.fromEntries(flags),
    gates: [...before.gates].filter((gate) => !now.gates.has(gate)).toSorted(),
    locked: Object.fromEntries(locked.toSorted(([one], [other]) => one.localeCompare(other, 'en'))),
  };
}

async function knownTo(controlPlane: ControlPlane): Promise<Known> {
  const { programs: directory } = controlPlane;
  const gates = await gatesOf(controlPlane);
  return {
    directory,
    flags: Object.fromEntries(PROGRAMS.map((program) => [program, flagsOf(directory, program)])),
    gates,
    // A kubelet says of all gates at once which it cannot set, before it looks for its config file.
    locked: Object.fromEntries([true, false].flatMap((value) => refused(directory, [...gates], value))),
  };
}

/** All gates are in the metrics; `--help` leaves out those that are stable or deprecated. */
async function gatesOf({ url, caPem, adminToken }: ControlPlane): Promise<ReadonlySet<string>> {
  const dispatcher = new Agent({ connect: { ca: caPem } });
  try {
    const { body } = await request(`${url}/metrics`, {
      headers: { authorization: `Bearer ${adminToken}` },
      dispatcher,
    });
    const names = (await body.text()).matchAll(/^kubernetes_feature_enabled\{name="([^"]+)"/gm);
    return new Set([...names].flatMap(([, name]) => (name === undefined ? [] : [name])));
  } finally {
    await dispatcher.close();
  }
}

function flagsOf(directory: string, program: string): ReadonlySet<string> {
  const help = runProgram(directory, program, ['--help']).matchAll(/^ +(?:-\w, )?(--[a-z0-9][A-Za-z0-9_-]*)/gm);
  return new Set([...help].flatMap(([, flag]) => (flag === undefined ? [] : [flag])));
}

/** A flag that only hides from `--help` is taken all the same. */
function isUnknown(directory: string, program: string, flag: string): boolean {
  return runProgram(directory, program, [`${flag}=x`, '--help']).includes(`unknown flag: ${flag}`);
}

function refused(directory: string, gates: readonly string[], value: boolean): [string, boolean][] {
  const flag = `--feature-gates=${gates.map((gate) => `${gate}=${value}`).join(',')}`;
  const said = runProgram(directory, 'kubelet', [flag, '--config=/nonexistent']);
  return [...said.matchAll(/cannot set feature gate (\w+) to \w+, feature is locked to (true|false)/g)].map(
    ([, gate = '', locked]) => [gate, locked === 'true'],
  );
}

/** What it says, on both streams. */
export function runProgram(directory: string, program: string, args: readonly string[]): string {
  const options = { argv0: program, timeout: 20_000, encoding: 'utf8' } as const;
  const { stdout, stderr } = spawnSync(join(directory, program), args, options);
  return `${stdout}\n${stderr}`;
}

if (import.meta.main) {
  writeFileSync(REMOVALS_FILE, `${JSON.stringify(await componentRemovals(), null, 2)}\n`);
}
