import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { layOutEtcdProcess } from './etcd-process.ts';
import type { Machine } from './machine.ts';
import { ETCD_PROGRAMS } from './stand-ins/etcd.ts';
import { standIns } from './stand-ins/stand-ins.ts';

/**
 * Programs of the host that scripts on a rehearsal node may use: they read and write files and nothing else. What is
 * not here and has no stand-in does not exist on the node; a missing stand-in never reaches the host's apt-get.
 */
const HOST_PROGRAMS = `
  awk base64 basename bash cat chmod cmp cp cut date dirname du env false
  find flock grep gzip head id install ln ls mkdir mktemp mv od printf pwd
  readlink rm rmdir sed seq sh sha256sum sleep sort stat sync tail tar tee
  test timeout touch tr true uname uniq wc xargs
`.split(/\s+/);
const HOST_DIRECTORIES = ['/usr/bin', '/bin'];

/** Fills a node's PATH. */
export function fillBinDirectory(machine: Machine, install: (file: string, program: string) => void): void {
  mkdirSync(machine.bin, { recursive: true });
  for (const program of HOST_PROGRAMS.filter((name) => name !== '')) {
    const found = HOST_DIRECTORIES.map((directory) => join(directory, program)).find((file) => existsSync(file));
    if (found !== undefined) symlinkSync(found, join(machine.bin, program));
  }
  const inPath = Object.keys(standIns).filter((program) => !ETCD_PROGRAMS.some((one) => one === program));
  for (const program of inPath) {
    const file = program.startsWith('/') ? machine.path(program) : join(machine.bin, program);
    mkdirSync(dirname(file), { recursive: true });
    install(file, program);
  }
  layOutEtcdProcess(machine, install);
  writeFileSync(join(machine.bin, 'sudo'), sudoScript(machine), { mode: 0o755 });
}

/** Another program in place of the node's. Most of a node's are links: who writes into one writes into the program of this machine. */
export function replaceProgram(machine: Machine, name: string, text: string): void {
  const file = join(machine.bin, name);
  rmSync(file, { force: true });
  // Never through a link.
  writeFileSync(file, text, { mode: 0o755, flag: 'wx' });
}

/** As the real one with env_reset: nothing of the caller's environment comes through. */
function sudoScript(machine: Machine): string {
  return `#!/bin/bash
while [ "$#" -gt 0 ]; do
  case "$1" in
    --) shift; break ;;
    -*) shift ;;
    *) break ;;
  esac
done
if [ -e '${sudoMark(machine)}' ]; then
  echo 'sudo: a password is required' >&2
  exit 1
fi
exec env -i 'PATH=${machine.bin}' 'NIGHTLIFT_ROOT=${machine.root}' 'HOME=${machine.root}/root' "$@"
`;
}

/** A file that makes sudo ask for a password. */
export function sudoMark(machine: Machine): string {
  return join(machine.root, 'sudo-needs-password');
}
