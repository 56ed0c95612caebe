import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { labRoot } from '../lab/lab-paths.ts';
import { CannotRunHere } from '../lab/machine.ts';

/**
 * Nights of two runs would make clusters of the same names and networks. Who died has left its number here, and is no
 * longer there. @throws CannotRunHere while another run is at it.
 */
export function claimTheLab(): { release(): void } {
  const file = path.join(labRoot(), 'nights.pid');
  const other = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (other > 0 && isNightRun(other)) {
    throw new CannotRunHere(
      `process ${other} plays nights in ${labRoot()}`,
      `wait for it, or end it: kill ${other} (it takes its clusters down)`,
    );
  }
  mkdirSync(labRoot(), { recursive: true });
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
