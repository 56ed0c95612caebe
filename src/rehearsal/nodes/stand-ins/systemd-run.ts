import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Unit } from '../machine.ts';
import { nodeEnvironment } from '../node-environment.ts';
import type { StandInCall } from '../stand-in.ts';

/** Starts a transient unit: a process of its own that no connection holds. */
export function systemdRun(call: StandInCall): number {
  const { machine, args } = call;
  const properties = new Map<string, string>();
  const environment: Record<string, string> = {};
  let name = '';
  let index = 0;
  for (; index < args.length; index += 1) {
    const word = args[index] ?? '';
    if (!word.startsWith('-')) break;
    if (word.startsWith('--unit=')) name = word.slice(7).replace(/\.service$/, '');
    if (word.startsWith('--setenv=')) set(environment, word.slice(9));
    if (word === '-E') set(environment, args[(index += 1)] ?? '');
    if (word.startsWith('--property=')) assign(properties, word.slice(11));
    if (word === '-p') assign(properties, args[(index += 1)] ?? '');
  }
  const [program, ...programArgs] = args.slice(index);
  if (program === undefined || !program.startsWith('/')) {
    call.err(`Failed to find executable ${program ?? ''}\n`);
    return 1;
  }
  if (machine.units.has(name)) {
    call.err(
      `Failed to start transient service unit: Unit ${name}.service was already loaded or has a fragment file.\n`,
    );
    return 1;
  }
  const log = openSync((properties.get('StandardOutput') ?? 'append:/dev/null').replace(/^append:/, ''), 'a');
  const child = spawn(program, programArgs, {
    cwd: machine.root,
    // systemd gives a clean environment: only what is set counts.
    env: { ...nodeEnvironment(machine), ...environment },
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  let timedOut = false;
  const unit: Unit = {
    state: 'active',
    kill(signal) {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, signal);
      } catch {
        // It has ended by itself.
      }
    },
  };
  machine.units.set(name, unit);
  const limit = Number(properties.get('RuntimeMaxSec') ?? 0);
  const timer = setTimeout(
    () => {
      timedOut = true;
      unit.kill('SIGTERM');
      setTimeout(() => unit.kill('SIGKILL'), 2000).unref();
    },
    limit > 0 ? limit * 1000 : 2 ** 31 - 1,
  );
  timer.unref();
  child.on('error', () => undefined);
  child.on('exit', (code, signal) => {
    clearTimeout(timer);
    // The node went down under it: nobody is there to run anything afterwards.
    if (machine.units.get(name) !== unit) return;
    unit.state = 'deactivating';
    // What is left of the control group goes with the main process.
    unit.kill('SIGKILL');
    const result = timedOut ? 'timeout' : signal !== null ? 'signal' : code === 0 ? 'success' : 'exit-code';
    const [post, ...postArgs] = (properties.get('ExecStopPost') ?? '').split(' ');
    const done = (): void => {
      if (machine.units.get(name) !== unit) return;
      // A unit that succeeded is gone at once, one that failed stays until reset-failed.
      if (result === 'success') machine.units.delete(name);
      else unit.state = 'failed';
    };
    if (post === undefined || post === '') return done();
    const after = spawn(post, postArgs, {
      cwd: machine.root,
      env: {
        ...nodeEnvironment(machine),
        SERVICE_RESULT: result,
        EXIT_CODE: signal === null ? 'exited' : 'killed',
        EXIT_STATUS: signal === null ? String(code) : signal.replace(/^SIG/, ''),
      },
      stdio: 'ignore',
    });
    after.on('error', done);
    after.on('exit', done);
  });
  return 0;
}

function assign(properties: Map<string, string>, text: string): void {
  const at = text.indexOf('=');
  properties.set(text.slice(0, at), text.slice(at + 1));
}

function set(environment: Record<string, string>, text: string): void {
  const at = text.indexOf('=');
  environment[text.slice(0, at)] = text.slice(at + 1);
}
