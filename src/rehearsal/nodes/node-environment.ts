import type { Machine } from './machine.ts';

/** All that a process on a rehearsal node finds in its environment: no program of the host is in its PATH. */
export function nodeEnvironment(machine: Pick<Machine, 'bin' | 'root'>): Record<string, string> {
  return {
    PATH: machine.bin,
    NIGHTLIFT_ROOT: machine.root,
    HOME: `${machine.root}/root`,
    TMPDIR: `${machine.root}/tmp`,
    LC_ALL: 'C',
  };
}
