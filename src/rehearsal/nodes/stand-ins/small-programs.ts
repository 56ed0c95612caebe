import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StandInCall } from '../stand-in.ts';

const DISK_BYTES = 100e9;
const INODES = 6_553_600;

/** df -P -B1 PATH, and df -B1 --output=FIELD,… PATH…: the free space is a setting of the node. */
export function df(call: StandInCall): number {
  const free = Math.max(0, Math.floor(call.machine.knobs.freeBytes));
  const paths = call.args.filter((word) => !word.startsWith('-'));
  const output = call.args.find((word) => word.startsWith('--output='));
  if (output === undefined) {
    call.out('Filesystem     1-blocks       Used   Available Capacity Mounted on\n');
    for (const path of paths)
      call.out(`/dev/rehearsal ${DISK_BYTES} ${DISK_BYTES - free} ${free} ${Math.round(100 - free / 1e9)}% ${path}\n`);
    return 0;
  }
  const fields = output.slice('--output='.length).split(',');
  call.out(`${fields.join(' ')}\n`);
  for (const path of paths) {
    const values: Readonly<Record<string, string | number>> = {
      file: path,
      fstype: 'ext4',
      size: DISK_BYTES,
      avail: free,
      itotal: INODES,
      iavail: INODES / 2,
      target: '/',
    };
    call.out(`${fields.map((field) => values[field] ?? '-').join(' ')}\n`);
  }
  return 0;
}

export function systemdDetectVirt(call: StandInCall): number {
  call.out('kvm\n');
  return 0;
}

/** apt-config dump: the lines of the files in /etc/apt/apt.conf.d, which stand there in the form of the dump. */
export function aptConfig(call: StandInCall): number {
  const directory = call.machine.path('/etc/apt/apt.conf.d');
  if (!existsSync(directory)) return 0;
  for (const file of readdirSync(directory).toSorted()) call.out(readFileSync(join(directory, file), 'utf8'));
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
