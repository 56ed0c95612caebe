import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CannotRunHere } from '../lab/machine.ts';

/**
 * Nights of two runs would make clusters of the same names and networks, whatever checkouts they come from. Who died has
 * left its number here, and is no longer there. @throws CannotRunHere while another run is at it.
 */
export function claimTheLab(): { release(): void } {
  const file = path.join(tmpdir(), 'nightlift-lab-nights.pid');
  const other = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (other > 0 && isNightRun(other)) {
    throw new CannotRunHere(
      `process ${other} plays nights on this machine`,
      `wait for it, or end it: kill ${other} (it takes its clusters down)`,
    );
  }
  writeFileSync(file, String(process.pid));
  return { release: () => rmSync(file, { force: true }) };
}

/** A number is given again to other programs. */
function isNightRun(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('lab-night');
  } catch {
    return false;
  }
}
