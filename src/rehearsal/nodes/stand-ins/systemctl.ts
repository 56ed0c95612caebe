import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { StandInCall } from '../stand-in.ts';

export async function systemctl(call: StandInCall): Promise<number> {
  const { machine, args } = call;
  const words = args.filter((word) => !word.startsWith('-'));
  const [verb = '', ...rest] = words;
  const name = (rest.at(-1) ?? '').replace(/\.service$/, '');
  const unit = machine.units.get(name);
  switch (verb) {
    case 'daemon-reload':
      return 0;
    case 'show': {
      for (const [at, word] of args.entries()) {
        if (word !== '-p') continue;
        const property = args[at + 1] ?? '';
        // As systemd: a line of its own for each of several files.
        for (const value of propertyOf(call, name, property).split('\n'))
          call.out(args.includes('--value') ? `${value}\n` : `${property}=${value}\n`);
      }
      return 0;
    }
    case 'is-active': {
      const state = stateOf(call, name);
      if (!args.includes('--quiet') && !args.includes('-q')) call.out(`${state}\n`);
      return state === 'active' ? 0 : 3;
    }
    case 'reset-failed':
      if (unit?.state === 'failed') machine.units.delete(name);
      else if (unit === undefined) {
        call.err(`Failed to reset failed state of unit ${name}.service: Unit ${name}.service not loaded.\n`);
        return 1;
      }
      return 0;
    case 'kill':
      unit?.kill(args.some((word) => /KILL|9/.test(word)) ? 'SIGKILL' : 'SIGTERM');
      return unit === undefined ? 1 : 0;
    case 'stop':
      if (name === 'kubelet') await machine.stopKubelet();
      unit?.kill('SIGTERM');
      return 0;
    case 'start':
    case 'restart':
      if (name === 'kubelet') {
        await call.sleep(machine.timing.kubeletRestart);
        await machine.startKubelet();
      }
      // containerd: the node reports the new runtime when its kubelet asks next.
      if (name === 'containerd' && machine.kubelet.active) await machine.startKubelet();
      return 0;
    default:
      call.err(`Unknown command verb ${verb}.\n`);
      return 1;
  }
}

/** Of the unit's drop-ins, as systemd shows them: `/etc/default/kubelet (ignore_errors=yes)`. */
function environmentFiles({ machine }: StandInCall, name: string): string {
  return ['/etc/systemd/system', '/usr/lib/systemd/system']
    .map((directory) => machine.path(`${directory}/${name}.service.d`))
    .flatMap((directory) =>
      existsSync(directory) ? readdirSync(directory).map((file) => readFileSync(`${directory}/${file}`, 'utf8')) : [],
    )
    .flatMap((text) => [...text.matchAll(/^EnvironmentFile=(-?)(.+)$/gm)])
    .map(([, optional, file]) => `${file} (ignore_errors=${optional === '-' ? 'yes' : 'no'})`)
    .join('\n');
}

function stateOf(call: StandInCall, name: string): string {
  if (name === 'kubelet') return call.machine.kubelet.active ? 'active' : 'activating';
  if (name === 'containerd') return 'active';
  return call.machine.units.get(name)?.state ?? 'inactive';
}

function propertyOf(call: StandInCall, name: string, property: string): string {
  if (property === 'ActiveState') return stateOf(call, name);
  return property === 'EnvironmentFiles' ? environmentFiles(call, name) : '';
}
