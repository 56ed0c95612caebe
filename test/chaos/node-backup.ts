import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RehearsalNode } from '../../src/rehearsal/nodes/start-nodes.ts';

const FOLDERS = ['etc', 'var', 'tmp'];

export interface NodeBackup {
  /** Puts the node back: packages, files, units, kubelet, static pods. */
  restore(): Promise<void>;
}

/** What a rehearsal node is at this moment, so that many cases can begin from the same one. */
export function backUpNode({ machine }: RehearsalNode, directory: string): NodeBackup {
  const packages = [...machine.packages].map(([name, one]) => [name, { ...one }] as const);
  const images = [...machine.images];
  for (const folder of FOLDERS)
    cpSync(machine.path(`/${folder}`), join(directory, machine.name, folder), {
      recursive: true,
      preserveTimestamps: true,
    });
  return {
    async restore() {
      for (const unit of machine.units.values()) unit.kill('SIGKILL');
      machine.units.clear();
      for (const folder of FOLDERS) {
        rmSync(machine.path(`/${folder}`), { recursive: true, force: true });
        cpSync(join(directory, machine.name, folder), machine.path(`/${folder}`), {
          recursive: true,
          preserveTimestamps: true,
        });
      }
      machine.packages.clear();
      for (const [name, one] of packages) machine.packages.set(name, { ...one });
      machine.images.clear();
      for (const image of images) machine.images.add(image);
      Object.assign(machine.knobs, { aptLockUntil: 0, brokenSignature: false, freeBytes: 60e9 });
      machine.knobs.missingImages.clear();
      await machine.startKubelet();
    },
  };
}
