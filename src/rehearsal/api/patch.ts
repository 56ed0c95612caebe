import { isJsonObject, type Json, type JsonObject, plainCopy, sameJson } from './json.ts';
import { badRequest, StatusError } from './status-error.ts';

/** RFC 7386. */
export function mergePatch(target: Json, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const result: JsonObject = isJsonObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatch(result[name] ?? null, value);
  }
  return result;
}

export interface JsonPatchOperation {
  readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';
  readonly path: string;
  readonly from?: string | undefined;
  readonly value?: Json | undefined;
}

/** RFC 6902. A failed `test` is 422, as the real server answers. */
export function jsonPatch(target: Json, operations: readonly JsonPatchOperation[]): Json {
  let document = plainCopy(target);
  for (const operation of operations) document = applyOperation(document, operation);
  return document;
}

function applyOperation(document: Json, { op, path, from, value = null }: JsonPatchOperation): Json {
  switch (op) {
    case 'test':
      if (sameJson(valueAt(document, path) ?? null, value)) return document;
      throw rejected(`testing value ${path} failed: test failed`);
    case 'add':
      return withValue(document, path, value, true);
    case 'replace':
      if (valueAt(document, path) === undefined)
        throw rejected(`replace operation does not apply: doc is missing key: ${path}: missing value`);
      return withValue(document, path, value, false);
    case 'remove':
      return without(document, path);
    case 'copy':
    case 'move': {
      const moved = valueAt(document, from ?? '');
      if (moved === undefined)
        throw rejected(`${op} operation does not apply: doc is missing from path: ${from ?? ''}: missing value`);
      const rest = op === 'move' ? without(document, from ?? '') : document;
      return withValue(rest, path, plainCopy(moved), true);
    }
    default:
      throw badRequest(`error decoding patch: unexpected kind of operation`);
  }
}

function rejected(message: string): StatusError {
  const causes = [{ reason: 'UnexpectedServerResponse', message }];
  const text = 'the server rejected our request due to an error in our request';
  return new StatusError(422, 'Invalid', text, { causes });
}

function segments(path: string): string[] {
  if (path === '') return [];
  return path
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function valueAt(document: Json, path: string): Json | undefined {
  let value: Json | undefined = document;
  for (const part of segments(path)) {
    if (Array.isArray(value)) value = value[Number(part)];
    else value = isJsonObject(value) ? value[part] : undefined;
  }
  return value;
}

function parentOf(document: Json, path: string): { parent: Json[] | JsonObject; last: string } {
  const parts = segments(path);
  const last = parts.pop();
  const parent = valueAt(
    document,
    parts.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
  );
  if (last === undefined || (!Array.isArray(parent) && !isJsonObject(parent))) {
    throw rejected(`add operation does not apply: doc is missing path: "${path}": missing value`);
  }
  return { parent, last };
}

function withValue(document: Json, path: string, value: Json, insert: boolean): Json {
  if (path === '') return value;
  const { parent, last } = parentOf(document, path);
  if (!Array.isArray(parent)) parent[last] = value;
  else if (last === '-') parent.push(value);
  else parent.splice(Number(last), insert ? 0 : 1, value);
  return document;
}

function without(document: Json, path: string): Json {
  const { parent, last } = parentOf(document, path);
  if (Array.isArray(parent)) {
    if (parent[Number(last)] === undefined)
      throw rejected(`remove operation does not apply: doc is missing path: "${path}": missing value`);
    parent.splice(Number(last), 1);
    return document;
  }
  if (!Object.hasOwn(parent, last))
    throw rejected(`remove operation does not apply: doc is missing path: "${path}": missing value`);
  delete parent[last];
  return document;
}
