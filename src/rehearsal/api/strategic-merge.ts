import { isJsonObject, type Json, type JsonObject, sameJson } from './json.ts';

/**
 * Strategic merge: lists with a merge key are merged item by item. Keys from the `patchMergeKey` tags of `k8s.io/api`;
 * a list that is not named here is replaced whole, as taints and tolerations are.
 */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  containers: 'name',
  initContainers: 'name',
  ephemeralContainers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  volumeDevices: 'devicePath',
  imagePullSecrets: 'name',
  hostAliases: 'ip',
  topologySpreadConstraints: 'topologyKey',
  ownerReferences: 'uid',
  conditions: 'type',
  addresses: 'type',
  secrets: 'name',
};
const SERVICE_PORT = 'port';
const CONTAINER_PORT = 'containerPort';

/** Lists of plain values that are merged as sets. */
const SETS: ReadonlySet<string> = new Set(['finalizers', 'podCIDRs']);

export function strategicMerge(target: Json, patch: Json): Json {
  return merge(target, patch, '');
}

function merge(target: Json, patch: Json, field: string): Json {
  if (Array.isArray(patch)) return mergeList(Array.isArray(target) ? target : [], patch, field);
  if (!isJsonObject(patch)) return patch;
  if (patch['$patch'] === 'replace') return withoutDirectives(patch);
  const result: JsonObject = isJsonObject(target) ? { ...target } : {};
  const retained = patch['$retainKeys'];
  if (Array.isArray(retained)) {
    for (const name of Object.keys(result)) if (!retained.includes(name)) delete result[name];
  }
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$deleteFromPrimitiveList/')) removeValues(result, name.slice(name.indexOf('/') + 1), value);
    else if (name.startsWith('$')) continue;
    else if (value === null) delete result[name];
    else if (isJsonObject(value) && value['$patch'] === 'delete') delete result[name];
    else result[name] = merge(result[name] ?? null, value, name);
  }
  return result;
}

function withoutDirectives(patch: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(patch).filter(([name]) => !name.startsWith('$')));
}

function removeValues(target: JsonObject, name: string, values: Json): void {
  const list = target[name];
  if (Array.isArray(list) && Array.isArray(values)) target[name] = list.filter((value) => !values.includes(value));
}

function mergeList(target: readonly Json[], patch: readonly Json[], field: string): Json[] {
  if (SETS.has(field)) return [...target, ...patch.filter((value) => !target.some((known) => sameJson(known, value)))];
  const key = mergeKeyOf(field, [...target, ...patch]);
  if (key === undefined) return [...patch];
  if (patch.some((item) => isJsonObject(item) && item['$patch'] === 'replace')) {
    return patch.filter((item) => !isJsonObject(item) || item['$patch'] === undefined);
  }
  const result = [...target];
  for (const item of patch) {
    if (!isJsonObject(item)) continue;
    const at = result.findIndex((known) => isJsonObject(known) && sameJson(known[key], item[key]));
    if (item['$patch'] === 'delete') {
      if (at >= 0) result.splice(at, 1);
    } else if (at >= 0) result[at] = merge(result[at] ?? null, item, '');
    else result.push(merge(null, item, ''));
  }
  return result;
}

/** The field by which items of a list are told apart; undefined for a list that is one value. */
export function mergeKeyOf(field: string, items: readonly Json[]): string | undefined {
  if (field !== 'ports') return Object.hasOwn(MERGE_KEYS, field) ? MERGE_KEYS[field] : undefined;
  return items.some((item) => isJsonObject(item) && item[CONTAINER_PORT] !== undefined) ? CONTAINER_PORT : SERVICE_PORT;
}
