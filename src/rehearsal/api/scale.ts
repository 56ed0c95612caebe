import { z } from 'zod';
import { plainCopy } from './json.ts';
import type { LabelSelector, Workload } from './kinds.ts';
import type { Resource } from './resource.ts';
import { badRequest, conflict } from './status-error.ts';

const ScaleBody = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string().nullish() }).nullish(),
  spec: z.looseObject({ replicas: z.number().int().min(0).nullish() }).nullish(),
});

/** The autoscaling/v1 view of a workload. */
export function scaleOf({ metadata, spec, status }: Workload): unknown {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: spec.replicas === undefined || spec.replicas === 0 ? {} : { replicas: spec.replicas },
    status: { replicas: status.replicas ?? 0, selector: selectorText(spec.selector) },
  };
}

export function applyScale(resource: Resource, workload: Workload, value: unknown): Workload {
  const parsed = ScaleBody.safeParse(value);
  if (!parsed.success)
    throw badRequest(`Scale in version "v1" cannot be handled as a Scale: ${z.prettifyError(parsed.error)}`);
  const version = parsed.data.metadata?.resourceVersion;
  if (version && version !== workload.metadata.resourceVersion) throw conflict(resource, workload.metadata.name);
  const next = plainCopy(workload);
  next.spec.replicas = parsed.data.spec?.replicas ?? 0;
  return next;
}

function selectorText(selector: LabelSelector): string {
  const plain = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const sets = (selector.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator.toLowerCase()} (${[...values].sort().join(',')})`;
  });
  return [...plain, ...sets].join(',');
}
