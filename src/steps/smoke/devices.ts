import { z } from 'zod';
import type { Context } from '../../chain/phase.ts';
import { nodeOf } from '../../chain/step.ts';
import { NightliftError } from '../../errors.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { NOTED } from '../../observe/run-record.ts';
import type { SmokeCheck } from './smoke-check.ts';

/** Names of nodes by amount, by resource: hundreds of nodes offer a few amounts. */
const Devices = z.record(z.string(), z.record(z.string(), z.array(z.string())));
type Devices = z.infer<typeof Devices>;

/** The annotations of one object have 256 KiB together. */
const LONGEST = 60_000;

/** Every resource that is not Kubernetes' own has a domain before its name. */
function isExtended(resource: string): boolean {
  return resource.includes('/') && !/(^|\.)kubernetes\.io\//.test(resource);
}

/** Pure. */
export function devicesOf(nodes: readonly Pick<NodeFact, 'name' | 'allocatable'>[]): Devices {
  const devices: Devices = {};
  for (const { name, allocatable } of nodes) {
    for (const [resource, amount] of Object.entries(allocatable)) {
      if (!isExtended(resource) || amount <= 0) continue;
      const byAmount = (devices[resource] ??= {});
      (byAmount[String(amount)] ??= []).push(name);
    }
  }
  return devices;
}

/** What is missing of it on the nodes that are there. Pure. */
export function missingDevices(
  before: Devices,
  nodes: readonly Pick<NodeFact, 'name' | 'allocatable'>[],
): readonly string[] {
  const now = new Map(nodes.map(({ name, allocatable }) => [name, allocatable]));
  return Object.entries(before).flatMap(([resource, byAmount]) =>
    Object.entries(byAmount).flatMap(([amount, names]) =>
      names.flatMap((name) => {
        const here = now.get(name);
        const has = here?.[resource] ?? 0;
        return here === undefined || has >= Number(amount) ? [] : [`${name} has ${has} of ${amount} ${resource}`];
      }),
    ),
  );
}

export const devicesRegistered: SmokeCheck = {
  reason: 'DevicesMissing',
  what: 'device plugins have registered what they had before',
  remedy:
    "Look at the device plugin's pod on the node, and at journalctl -u kubelet for plugin registration; smoke.devices decides whether it is asked.",
  isWanted: ({ smoke }) => smoke.devices,
  note: {
    key: NOTED.devices,
    async text({ deps, signal }) {
      const text = JSON.stringify(devicesOf(await deps.cluster.nodes(signal)));
      if (text.length <= LONGEST) return text;
      throw new NightliftError(
        'cluster',
        `noting the devices of the nodes: that has ${text.length} characters, and an annotation has room for ${LONGEST}`,
        { remedy: 'Set smoke.devices: false.' },
      );
    },
  },
  async look(context, before) {
    return missingDevices(Devices.parse(JSON.parse(before)), await concerned(context));
  },
};

/** The node of the step, or all of them. */
async function concerned({ deps, step, signal }: Context): Promise<readonly NodeFact[]> {
  const name = nodeOf(step);
  if (name === undefined) return await deps.cluster.nodes(signal);
  const node = await deps.cluster.node(name, signal);
  return node === undefined ? [] : [node];
}
