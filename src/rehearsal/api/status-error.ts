import type { FieldError, Resource } from './resource.ts';

/** Answers of the API server that are not a success, in the words of the real one (apimachinery `pkg/api/errors`). */

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Record<string, never>;
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code?: number;
}

export class StatusError extends Error {
  override readonly name = 'StatusError' as const;
  readonly status: Status & { readonly code: number };

  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message);
    const known = details === undefined ? {} : { details };
    const failure = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message } as const;
    this.status = reason === '' ? { ...failure, ...known, code } : { ...failure, reason, ...known, code };
  }
}

type Kind = Pick<Resource, 'group' | 'plural' | 'kind'>;

export function qualified(group: string, name: string): string {
  return group === '' ? name : `${name}.${group}`;
}

function about(resource: Kind, name: string, kind: string): StatusDetails {
  return { name, ...(resource.group === '' ? {} : { group: resource.group }), kind };
}

export function notFound(resource: Kind, name: string): StatusError {
  const message = `${qualified(resource.group, resource.plural)} "${name}" not found`;
  return new StatusError(404, 'NotFound', message, about(resource, name, resource.plural));
}

export function unknownResource(): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function alreadyExists(resource: Kind, name: string): StatusError {
  const message = `${qualified(resource.group, resource.plural)} "${name}" already exists`;
  return new StatusError(409, 'AlreadyExists', message, about(resource, name, resource.plural));
}

const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again';

export function conflict(resource: Kind, name: string, why: string = MODIFIED): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(resource.group, resource.plural)} "${name}": ${why}`;
  return new StatusError(409, 'Conflict', message, about(resource, name, resource.plural));
}

export function forbidden(resource: Kind, name: string, why: string, causes?: readonly StatusCause[]): StatusError {
  const subject = qualified(resource.group, resource.plural);
  const message = name === '' ? `${subject} is forbidden: ${why}` : `${subject} "${name}" is forbidden: ${why}`;
  const details = { ...about(resource, name, resource.plural), ...(causes === undefined ? {} : { causes }) };
  return new StatusError(403, 'Forbidden', message, details);
}

/** 422 with one cause for each field, as validation answers. */
export function invalid(resource: Kind, name: string, errors: readonly FieldError[]): StatusError {
  const listed = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))];
  const text = listed.length === 1 ? listed.join('') : `[${listed.join(', ')}]`;
  const message = `${qualified(resource.group, resource.kind)} "${name}" is invalid: ${text}`;
  const causes = errors.map(({ reason, message: cause, field }) => ({ reason, message: cause, field }));
  return new StatusError(422, 'Invalid', message, { ...about(resource, name, resource.kind), causes });
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}

export function methodNotAllowed(): StatusError {
  return new StatusError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );
}

export function unauthorized(): StatusError {
  return new StatusError(401, 'Unauthorized', 'Unauthorized');
}

export function expired(message: string): StatusError {
  return new StatusError(410, 'Expired', message);
}

export function success(details?: StatusDetails): Status {
  const done = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' } as const;
  return details === undefined ? done : { ...done, details };
}
