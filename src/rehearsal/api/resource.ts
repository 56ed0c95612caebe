import type { KubeObject } from './kinds.ts';

export interface FieldError {
  readonly reason: 'FieldValueInvalid' | 'FieldValueRequired' | 'FieldValueForbidden' | 'FieldValueTooLong';
  readonly field: string;
  readonly message: string;
}

/** One row of the table that the whole server is driven by. `T` is what reading the resource gives. */
export interface Resource<T extends KubeObject = KubeObject> {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly subresources: readonly string[];
  /** Names may contain what a URL path segment may, as RBAC's do. */
  readonly looseNames?: boolean;
  /** Names must be a DNS label, without dots. */
  readonly labelNames?: boolean;
  /** `metadata.generation` counts the changes of the spec. */
  readonly generation?: boolean;
  /** An update must name the resourceVersion that it was made from. */
  readonly conditionalUpdates?: boolean;
  readonly defaultPropagation?: 'Orphan';
  /** Whether DELETE answers with the object that is gone instead of a Status. */
  readonly returnsDeleted?: boolean;
  defaults?(object: T): void;
  validate?(object: T, previous: T | undefined): readonly FieldError[];
}
