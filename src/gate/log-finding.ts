import type { Log } from '../log.ts';
import type { Finding } from './finding.ts';

/** One line for each finding, with the fields that a person, an alert on logs and the rehearsal look for. */
export function logFinding(log: Log, { message, check, reason, class: kind, severity, remedy }: Finding): void {
  log[severity === 'block' ? 'error' : 'warn'](message, { check, reason, class: kind, severity, remedy });
}
