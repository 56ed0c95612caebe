import type { Finding } from './finding.ts';

/** What cannot be read is somebody's to mend, and until then nothing is upgraded blind. */
export function unknownFinding(check: string, what: string, why: string, remedy: string): Finding {
  return {
    check,
    reason: 'Unknown',
    class: 'actionable',
    severity: 'block',
    message: `${what} could not be read: ${why}`,
    remedy,
  };
}
