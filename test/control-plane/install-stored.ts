import { z } from 'zod';
import type { InstallObject } from '../../src/install/install-object.ts';
import { kubectl } from './install-kubectl.ts';
import type { ControlPlane } from './real-control-plane.ts';

const Stored = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});

/** Everything of ours that the API server stores, by kind, namespace and name, without what only a server writes. */
export async function storedObjects(plane: ControlPlane): Promise<Map<string, unknown>> {
  const kinds =
    'namespaces,serviceaccounts,clusterroles,clusterrolebindings,roles,rolebindings,networkpolicies,configmaps,cronjobs';
  const output = await kubectl(plane, ['get', kinds, '-A', '-l', 'app.kubernetes.io/name=nightlift', '-o', 'json']);
  const { items } = z.object({ items: z.array(Stored) }).parse(JSON.parse(output));
  return new Map(
    items.map((item) => [keyOf(item), comparable(item)] as const).toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );
}

export function keyOf({ kind, metadata }: z.infer<typeof Stored> | InstallObject): string {
  return `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
}

/** Terraform keeps verbs, resources, their names and label values as sets: their order says nothing, nor does that of ports. */
const SETS = new Set(['verbs', 'resources', 'resourceNames', 'apiGroups', 'values', 'ports']);
const SERVER_FIELDS = ['uid', 'resourceVersion', 'creationTimestamp', 'managedFields', 'generation', 'annotations'];

/** What Terraform's provider writes although it is what the API server takes for an absent field. */
const DEFAULTS = new Map<string, unknown>([
  ['immutable', false],
  ['completions', 1],
  ['parallelism', 1],
  ['manualSelector', false],
  ['privileged', false],
  ['shareProcessNamespace', false],
  ['optional', false],
  ['mountPropagation', 'None'],
]);

export function comparable(object: z.infer<typeof Stored>): unknown {
  const { status: _status, ...rest } = object;
  const metadata = Object.fromEntries(Object.entries(object.metadata).filter(([key]) => !SERVER_FIELDS.includes(key)));
  return sorted({ ...rest, metadata });
}

function sorted(value: unknown, inSet = false): unknown {
  if (Array.isArray(value)) {
    const all = value.map((one) => sorted(one));
    return inSet ? all.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : all;
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .filter(([key, one]) => !DEFAULTS.has(key) || DEFAULTS.get(key) !== one)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, one]) => [key, sorted(one, SETS.has(key))]));
}
