import { isWorthAnotherTry } from '../../chain/worth-another-try.ts';
import { isAtWorkInPod, readEnvironment, readSettings, settingsFolder } from '../../environment.ts';
import { NightliftError, reasonOf } from '../../errors.ts';
import { createLog, type Log } from '../../log.ts';
import type { Settings } from '../../settings/settings.ts';
import { readMatrix } from '../../wire/addon-matrix-file.ts';
import { type Wiring } from '../../wire/wiring.ts';
import { type Wired, wire } from '../../wire.ts';
import { type Call, EXIT, text } from './command.ts';

function wiringOf(call: Call, command: string): Omit<Wiring, 'log'> {
  const optional = (key: 'kubeconfig' | 'context' | 'namespace' | 'sshKey' | 'knownHosts', from: string) => {
    const value = text(call, from);
    return value === undefined ? {} : { [key]: value };
  };
  const settingsFile = text(call, 'config');
  return {
    environment: readEnvironment(),
    signal: call.signal,
    command,
    ...optional('kubeconfig', 'kubeconfig'),
    ...optional('context', 'context'),
    ...optional('namespace', 'namespace'),
    ...optional('sshKey', 'ssh-key'),
    ...optional('knownHosts', 'known-hosts'),
    ...(settingsFile === undefined ? {} : { settingsFile }),
  };
}

async function withWired(wiring: Wiring, body: (wired: Wired) => Promise<number>): Promise<number> {
  const wired = await wire(wiring);
  try {
    return await body(wired);
  } finally {
    await wired.close();
  }
}

/** For people: only warnings are logged, on stderr. */
export async function withSession(
  call: Call,
  body: (wired: Wired) => Promise<number>,
  settings: Wiring['settings'] = 'where installed',
): Promise<number> {
  const log = createLog({
    format: 'text',
    now: () => new Date(),
    write: (line) => (/^\S+ (WARN|ERROR) /.test(line) ? call.output.note(line.slice(9)) : undefined),
  });
  const { here, to } = call.values;
  return await withWired(
    { ...wiringOf(call, 'cli'), log, settings, runsPhases: here === true, meetsNewApiServers: to !== undefined },
    body,
  );
}

/** From anywhere else the commands of the Jobs only look. */
export function isJob(call: Call): boolean {
  return isAtWorkInPod(readEnvironment(), text(call, 'kubeconfig'));
}

/** For Jobs: the log is the output. JSON lines where no terminal reads them; stderr when stdout holds the JSON result. */
export async function withJobSession(
  call: Call,
  command: string,
  body: (wired: Wired) => Promise<number>,
  onFailure?: (error: NightliftError, log: Log) => Promise<void>,
): Promise<number> {
  const { output } = call;
  const write = (line: string): void => (output.format !== 'text' ? output.note(line) : output.line(line));
  const log = createLog({ format: output.terminal ? 'text' : 'json', now: () => new Date(), write });
  try {
    return await withWired({ ...wiringOf(call, command), log, meetsNewApiServers: command === 'phase' }, body);
  } catch (error) {
    if (!(error instanceof NightliftError)) throw error;
    log.error(reasonOf(error), { remedy: error.remedy });
    await onFailure?.(error, log);
    // What may be over in a minute is left to the Job's own retries; what was understood is not tried again.
    return isWorthAnotherTry(error) ? EXIT.retry : error.exitCode;
  }
}

/** The addon matrix beside them. */
export function offlineMatrix(call: Call, settings: Settings): unknown {
  const environment = readEnvironment();
  return readMatrix(environment, settings, { folder: settingsFolder(environment, text(call, 'config')) });
}

/** Settings without a cluster: of --config, or the defaults. */
export function offlineSettings(call: Call): Settings {
  return readSettings(readEnvironment(), text(call, 'config'));
}
