import { isJsonObject, type Json, type JsonObject } from './json.ts';
import { mergeKeyOf, strategicMerge } from './strategic-merge.ts';

/**
 * Server-side apply without managedFields: the server remembers what each manager applied last, so that what it no longer
 * names goes away unless another manager applied it too. Conflicts with other managers are not found; all applies are forced.
 */
export class AppliedFields {
  readonly #applied = new Map<string, Map<string, Json>>();

  /** The object as this apply leaves it. */
  apply(uid: string, manager: string, current: Json, config: Json): Json {
    const byManager = this.#applied.get(uid);
    const last = byManager?.get(manager) ?? null;
    const others = [...(byManager ?? [])].filter(([name]) => name !== manager).map(([, applied]) => applied);
    return strategicMerge(prune(current, last, config, others, ''), config);
  }

  /** Called when the object was stored. */
  remember(uid: string, manager: string, config: Json): void {
    let byManager = this.#applied.get(uid);
    if (byManager === undefined) this.#applied.set(uid, (byManager = new Map<string, Json>()));
    byManager.set(manager, config);
  }
}

/** `current` without what `last` had and `next` has no more. */
function prune(current: Json, last: Json, next: Json, others: readonly Json[], field: string): Json {
  if (isJsonObject(current) && isJsonObject(last)) {
    const result: JsonObject = { ...current };
    for (const [name, value] of Object.entries(last)) {
      const known = result[name];
      if (known === undefined) continue;
      const wanted = isJsonObject(next) ? next[name] : undefined;
      const elsewhere = others.flatMap((other) => (isJsonObject(other) ? (other[name] ?? []) : []));
      if (wanted === undefined && elsewhere.length === 0) delete result[name];
      else result[name] = prune(known, value, wanted ?? null, elsewhere, name);
    }
    return result;
  }
  if (!Array.isArray(current) || !Array.isArray(last)) return current;
  const key = mergeKeyOf(field, current);
  if (key === undefined) return current;
  const items = (list: Json): Json[] => (Array.isArray(list) ? list : []);
  const find = (list: Json, id: Json): Json | undefined =>
    items(list).find((item) => isJsonObject(item) && item[key] === id);
  return current.flatMap((item) => {
    const id = isJsonObject(item) ? (item[key] ?? null) : null;
    const before = find(last, id);
    if (before === undefined) return [item];
    const wanted = find(next, id);
    const elsewhere = others.flatMap((other) => find(other, id) ?? []);
    if (wanted === undefined && elsewhere.length === 0) return [];
    return [prune(item, before, wanted ?? null, elsewhere, '')];
  });
}
