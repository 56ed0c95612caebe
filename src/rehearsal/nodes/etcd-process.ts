import { mkdirSync, writeFileSync } from 'node:fs';
import type { Machine } from './machine.ts';
import { ETCD_PROGRAMS } from './stand-ins/etcd.ts';

/** What the kubelet calls the static pod of etcd: a hash of its manifest. */
export const ETCD_POD = 'f5a5a4e8ef7b9a1d0c3b2a4958677e60';

/** The running etcd of a control plane as /proc shows it: its command line, its cgroup, and its image's programs under its root. */
export function layOutEtcdProcess(machine: Machine, install: (file: string, program: string) => void): void {
  if (machine.role !== 'control-plane') return;
  const process = machine.path('/proc/512');
  const programs = `${process}/root/usr/local/bin`;
  mkdirSync(programs, { recursive: true });
  writeFileSync(`${process}/comm`, 'etcd\n');
  writeFileSync(`${process}/cmdline`, ['etcd', '--data-dir=/var/lib/etcd', ''].join('\0'));
  const pods = 'kubepods.slice/kubepods-burstable.slice';
  writeFileSync(`${process}/cgroup`, `0::/${pods}/kubepods-burstable-pod${ETCD_POD}.slice/cri-containerd-00ff.scope\n`);
  mkdirSync(machine.path(`/var/lib/kubelet/pods/${ETCD_POD}/containers/etcd`), { recursive: true });
  for (const program of ETCD_PROGRAMS) install(`${programs}/${program}`, program);
}
