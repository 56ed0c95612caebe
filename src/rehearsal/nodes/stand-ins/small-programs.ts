import { existsSync, readFileSync } from 'node:fs';
import type { StandInCall } from '../stand-in.ts';

/** df -P -B1 PATH: the size is a setting of the node. */
export function df(call: StandInCall): number {
  const free = Math.max(0, Math.floor(call.machine.knobs.freeBytes));
  const at = call.args.at(-1) ?? '/';
  call.out('Filesystem     1-blocks       Used   Available Capacity Mounted on\n');
  call.out(`/dev/rehearsal 100000000000 ${100e9 - free} ${free} ${Math.round(100 - free / 1e9)}% ${at}\n`);
  return 0;
}

export function kubelet(call: StandInCall): number {
  call.out(`Kubernetes v${call.machine.packageVersion('kubelet')?.split('-')[0] ?? 'unknown'}\n`);
  return 0;
}

export function kubectl(call: StandInCall): number {
  call.out(`Client Version: v${call.machine.packageVersion('kubectl')?.split('-')[0] ?? 'unknown'}\n`);
  return 0;
}

/** crictl info, images and version. */
export function crictl(call: StandInCall): number {
  const verb = call.args.find((word) => !word.startsWith('-'));
  if (verb === 'images') {
    call.out('IMAGE                                     TAG                 IMAGE ID            SIZE\n');
    for (const image of call.machine.images) call.out(`${image.replace(':', '   ')}   0123456789abc       20MB\n`);
  } else {
    call.out(
      `{"status":{"conditions":[{"type":"RuntimeReady","status":true}]},"version":"${call.machine.packageVersion(call.machine.containerdPackage) ?? ''}"}\n`,
    );
  }
  return 0;
}

export function ctr(call: StandInCall): number {
  call.out(`Client:\n  Version:  ${call.machine.packageVersion(call.machine.containerdPackage) ?? 'unknown'}\n`);
  return 0;
}

/** journalctl -u UNIT: the log of a transient unit. */
export function journalctl(call: StandInCall): number {
  const unit = call.args[call.args.indexOf('-u') + 1]?.replace(/\.service$/, '') ?? '';
  const log = call.machine.path(`/var/lib/nightlift/units/${unit}/log`);
  call.out(existsSync(log) ? readFileSync(log, 'utf8') : '-- No entries --\n');
  return 0;
}

export function hostname(call: StandInCall): number {
  call.out(`${call.machine.name}\n`);
  return 0;
}
