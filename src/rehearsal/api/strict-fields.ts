import jobFields from './job-fields.json' with { type: 'json' };
import type { Resource } from './resource.ts';
import { badRequest } from './status-error.ts';

/** Of a real API server's OpenAPI (test/control-plane/record-job-fields.ts): type → field → type, empty for a value without known fields. */
const TYPES: Readonly<Record<string, Readonly<Record<string, string | undefined>> | undefined>> = jobFields;

/** fieldValidation=Strict: a field that the kind does not have is an error. Only Jobs are known here. @throws StatusError 400. */
export function refuseUnknownFields({ kind }: Resource, object: object): void {
  if (kind !== 'Job') return;
  const unknown = unknownFields(object, kind, '');
  if (unknown.length === 0) return;
  const list = unknown.map((field) => `unknown field "${field}"`).join(', ');
  throw badRequest(`${kind} in version "v1" cannot be handled as a ${kind}: strict decoding error: ${list}`);
}

function unknownFields(value: unknown, type: string, path: string): readonly string[] {
  const fields = TYPES[type];
  if (fields === undefined || typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item, index) => unknownFields(item, type, `${path}[${index}]`));
  return Object.entries(value).flatMap(([field, inner]) => {
    const at = path === '' ? field : `${path}.${field}`;
    const innerType = fields[field];
    return innerType === undefined ? [at] : unknownFields(inner, innerType, at);
  });
}
