import { mkdirSync, writeFileSync } from 'node:fs';
import type { Machine } from './machine.ts';
import { ETCD_PROGRAMS } from './stand-ins/etcd.ts';

/** The running etcd of a control plane as /proc shows it: its command line, and its image's programs under its root. */
export function layOutEtcdProcess(machine: Machine, install: (file: string, program: string) => void): void {
  if (machine.role !== 'control-plane') return;
  const process = machine.path('/proc/512');
  const programs = `${process}/root/usr/local/bin`;
  mkdirSync(programs, { recursive: true });
  writeFileSync(`${process}/comm`, 'etcd\n');
  writeFileSync(`${process}/cmdline`, ['etcd', '--data-dir=/var/lib/etcd', ''].join('\0'));
  for (const program of ETCD_PROGRAMS) install(`${programs}/${program}`, program);
}
