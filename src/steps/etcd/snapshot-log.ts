/** The line that the runbook's backup Job ends with: `Backup done: <file> (<n> bytes)`. */
const DONE = /^\s*Backup done: (?<file>\S.*?) \((?<bytes>\d+) bytes\)\s*$/;

export interface SnapshotReport {
  readonly file: string;
  readonly bytes: number;
}

/** The last such line of a log; undefined when there is none, which is never a success. */
export function parseSnapshotLog(log: string): SnapshotReport | undefined {
  for (const line of log.split('\n').toReversed()) {
    const groups = DONE.exec(line)?.groups;
    const bytes = Number(groups?.['bytes']);
    if (groups?.['file'] !== undefined && Number.isSafeInteger(bytes)) return { file: groups['file'], bytes };
  }
  return undefined;
}
