import { expect } from 'vitest';
import { type Family, families } from '../lab/address-families.ts';
import { mustOnNode } from '../lab/nodes.ts';
import { nextPatch } from './next-patch.ts';
import { runNight } from './night.ts';
import { runningVersion } from './provide-scene.ts';
import type { Scenario } from './scenario.ts';
import type { Scene } from './scene.ts';
import { expectUpgraded } from './upgraded.ts';

export const ipv6Night: Scenario = {
  name: 'ipv6',
  title: 'nodes, pods and Services with IPv6 addresses alone get a patch: repository, SSH, etcd and its snapshot, DNS',
  ...patchWith(['ipv6']),
};

export const dualNight: Scenario = {
  name: 'dual',
  title: 'the same with addresses of both families, IPv4 first',
  ...patchWith(['ipv4', 'ipv6']),
};

function patchWith(made: Family[]): Omit<Scenario, 'name' | 'title'> {
  return {
    ci: false,
    seconds: 330,
    cluster: {
      controlPlanes: 1,
      workers: 2,
      version: '1.36.3',
      fresh: true,
      // In known_hosts an address with a port has brackets.
      made: { families: made, sshPort: 2222 },
      // The product's own: by etcd's address in its manifest.
      settings: { snapshot: { cronJob: '', required: true } },
    },
    async run(scene) {
      await expectFamilies(scene, made);
      const from = await runningVersion(scene.lab);
      const to = await nextPatch(scene);
      const night = await runNight(scene);
      const result = await expectUpgraded(scene, night, from, to);
      const lines = scene.logs.lines().filter((line) => line.time >= night.startedAt);
      const snapshots = lines.filter((line) => line.message === 'etcd snapshot taken');
      expect(snapshots.map(({ fields }) => [fields['restored'], Number(fields['keys']) > 100])).toEqual([[true, true]]);
      // Nothing that is only told, and stops no run, was left out.
      expect(lines.filter((line) => /could not be|was not tried/.test(line.message)).map(({ raw }) => raw)).toEqual([]);
      return result;
    },
  };
}

/** No others: a cluster that has IPv4 too would show nothing. */
async function expectFamilies({ lab }: Scene, wanted: readonly Family[]): Promise<void> {
  for (const node of lab.nodes)
    for (const [family, { ip }] of Object.entries(families))
      expect(
        (await mustOnNode(node, `${ip} -o address show scope global dev eth0`)) !== '',
        `${node.name}, ${family}`,
      ).toBe(wanted.some((one) => one === family));
}
