import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { EXTRAS, type Extra, permissionsOf, type Role } from '../../src/cluster/permissions.ts';
import { ACCOUNTS } from '../../src/install/install-object.ts';
import { auditLog } from '../lab/kubeadm-config.ts';
import type { Lab } from '../lab/lab-state.ts';

const Event = z.object({
  stageTimestamp: z.iso.datetime(),
  verb: z.string(),
  user: z.object({ username: z.string() }),
  objectRef: z
    .object({
      resource: z.string(),
      subresource: z.string().optional(),
      namespace: z.string().default(''),
      apiGroup: z.string().default(''),
    })
    .optional(),
  responseStatus: z.object({ code: z.number() }).optional(),
});

const roles = Object.keys(ACCOUNTS) as Role[];
/** With what the settings of one night or another add. */
const extras = (Object.keys(EXTRAS) as Extra[]).filter((extra) => extra !== 'kured');
const namespaces = { own: 'k8s-upgrade', snapshot: 'default', extras };
const REFUSED = ' refused';
const account = /^system:serviceaccount:k8s-upgrade:(.+)$/;

/** What the product's accounts asked of the API servers since then, `<account> <verb> <group>/<resource> <namespace>`, each once. */
export async function readUses(lab: Lab, since: number): Promise<readonly string[]> {
  const uses = new Set<string>();
  for (const node of lab.nodes.filter(({ role }) => role === 'control-plane')) {
    const file = path.join(lab.dir, 'nodes', node.name, 'root', auditLog);
    for (const line of (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(Boolean)) {
      const use = useOf(line, since);
      if (use !== undefined) uses.add(use);
    }
  }
  return [...uses].toSorted();
}

function useOf(line: string, since: number): string | undefined {
  const { stageTimestamp, verb, user, objectRef, responseStatus } = Event.parse(JSON.parse(line));
  const who = account.exec(user.username)?.[1];
  if (who === undefined || objectRef === undefined || Date.parse(stageTimestamp) < since) return undefined;
  // Everybody may ask about himself.
  if (objectRef.apiGroup === 'authorization.k8s.io') return undefined;
  const resource = [objectRef.resource, objectRef.subresource].filter(Boolean).join('/');
  const place = objectRef.resource === 'nodes' ? '' : objectRef.namespace;
  const refused = responseStatus?.code === 403 ? REFUSED : '';
  return `${who} ${verb} ${objectRef.apiGroup}/${resource} ${place}${refused}`;
}

export interface AuditResult {
  /** Granted to an account and used by it in no night. */
  readonly unused: readonly string[];
  /** Asked for, not granted, and refused. */
  readonly refused: readonly string[];
  /** Granted, and refused all the same: by a new API server that had not read its roles yet. */
  readonly early: readonly string[];
}

/** Uses of all nights against what `permissions.ts` grants: in both directions. */
export function compareUses(uses: readonly string[]): AuditResult {
  const used = uses.filter((use) => !use.endsWith(REFUSED));
  const denied = uses.filter((use) => use.endsWith(REFUSED)).map((use) => use.slice(0, -REFUSED.length));
  const granted = roles.flatMap((role) =>
    permissionsOf(role, namespaces).map(({ verb, group, resource, namespace }) => ({
      row: `${ACCOUNTS[role]} ${verb} ${group}/${resource} `,
      namespace,
    })),
  );
  const isFor = (use: string, { row, namespace }: (typeof granted)[number]): boolean =>
    namespace === '' ? use.startsWith(row) : use === `${row}${namespace}`;
  return {
    unused: granted
      .filter((permission) => !used.some((use) => isFor(use, permission)))
      .map(({ row, namespace }) => `${row}${namespace}`.trimEnd()),
    refused: denied.filter((use) => !granted.some((permission) => isFor(use, permission))),
    early: denied.filter((use) => granted.some((permission) => isFor(use, permission))),
  };
}
