import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { kubePrograms } from './kube-programs.ts';
import { REMOVALS_FILE, runProgram } from './record-component-removals.ts';

const Removals = z.record(
  z.string(),
  z.object({
    flags: z.record(z.string(), z.array(z.string())),
    gates: z.array(z.string()),
    locked: z.record(z.string(), z.boolean()),
  }),
);
const removals = Removals.parse(JSON.parse(readFileSync(REMOVALS_FILE, 'utf8')));
const programs = await kubePrograms('1.37.1');
const directory = 'missing' in programs ? '' : programs.directory;

const say = (program: string, ...args: readonly string[]): string => runProgram(directory, program, args);
const gates = (values: Readonly<Record<string, boolean>>): string =>
  `--feature-gates=${Object.entries(values)
    .map(([gate, on]) => `${gate}=${on}`)
    .join(',')}`;

describe.skipIf(directory === '')('component-removals.json, held against real programs of 1.37', () => {
  it.each(Object.entries(removals['1.37']?.flags ?? {}))('%s takes none of the flags', (program, flags) => {
    for (const flag of flags) expect(say(program, `${flag}=x`, '--help')).toContain(`unknown flag: ${flag}`);
    expect(say(program, '--help')).toContain('--feature-gates');
  });

  const gone = Object.values(removals).flatMap((one) => one.gates);
  it('a kubelet knows none of the feature gates', () => {
    // It names the first one that it does not know, and ends.
    for (const gate of gone)
      expect(say('kubelet', gates({ [gate]: true }), '--config=/nonexistent')).toContain(
        `unrecognized feature gate: ${gate}`,
      );
  });

  it('a kubelet takes no other value for those that are locked', () => {
    const locked = Object.entries(Object.assign({}, ...Object.values(removals).map((one) => one.locked)) as object);
    const left = locked.filter(([gate]) => !gone.includes(gate)).map(([gate, on]) => [gate, on === true] as const);
    const other = say(
      'kubelet',
      gates(Object.fromEntries(left.map(([gate, on]) => [gate, !on]))),
      '--config=/nonexistent',
    );
    for (const [gate, on] of left) expect(other).toContain(`cannot set feature gate ${gate} to ${!on}`);
    const same = say('kubelet', gates(Object.fromEntries(left)), '--config=/nonexistent');
    expect(same).not.toContain('cannot set feature gate');
    expect(same).toContain('/nonexistent');
  });
});
