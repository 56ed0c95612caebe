import { z } from 'zod';
import { type LabelRequirement, Requirements } from './label-selector.ts';
import { parseResources, type Resources } from './quantity.ts';

/** What decides where a pod may run, as far as a drain looks at it. */
export interface PodPlacement {
  readonly requests: Resources;
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** Required node affinity: alternatives, of each of which everything counts. null for none. */
  readonly nodeAffinity: readonly NodeTerm[] | null;
  readonly tolerations: readonly Toleration[];
  readonly priority: number;
}

export interface NodeTerm {
  readonly labels: readonly LabelRequirement[];
  /** On metadata.name, the only field that there is. */
  readonly fields: readonly LabelRequirement[];
}

const Toleration = z.object({
  key: z.string().nullish(),
  operator: z.string().nullish(),
  value: z.string().nullish(),
  effect: z.string().nullish(),
});

export type Toleration = z.infer<typeof Toleration>;

const Quantities = z.record(z.string(), z.union([z.string(), z.number()])).nullish();
const Requests = z.object({ requests: Quantities }).nullish();
const Container = z.object({ image: z.string().optional(), resources: Requests });

/** The part of a pod's spec that is read here. */
export const PlacementSpec = z.object({
  containers: z.array(Container).default([]),
  initContainers: z.array(Container.extend({ restartPolicy: z.string().nullish() })).nullish(),
  resources: Requests,
  overhead: Quantities,
  nodeSelector: z.record(z.string(), z.string()).nullish(),
  affinity: z
    .object({
      nodeAffinity: z
        .object({
          requiredDuringSchedulingIgnoredDuringExecution: z
            .object({
              nodeSelectorTerms: z
                .array(z.object({ matchExpressions: Requirements, matchFields: Requirements }))
                .nullish(),
            })
            .nullish(),
        })
        .nullish(),
    })
    .nullish(),
  tolerations: z.array(Toleration).nullish(),
  priority: z.number().nullish(),
});

type PlacementSpec = z.infer<typeof PlacementSpec>;

export function placementOf(spec: PlacementSpec): PodPlacement {
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return {
    requests: requestsOf(spec),
    nodeSelector: spec.nodeSelector ?? {},
    nodeAffinity:
      required === null || required === undefined
        ? null
        : (required.nodeSelectorTerms ?? []).map(({ matchExpressions, matchFields }) => ({
            labels: matchExpressions ?? [],
            fields: matchFields ?? [],
          })),
    tolerations: spec.tolerations ?? [],
    priority: spec.priority ?? 0,
  };
}

/**
 * What the scheduler reserves for a pod (`k8s.io/component-helpers/resource`): all containers and sidecars together, or
 * the hungriest moment of the start, whichever is more, and the overhead. Requests of the pod as a whole go first.
 */
function requestsOf(spec: PlacementSpec): Resources {
  let sidecars: Resources = {};
  let start: Resources = {};
  for (const { resources, restartPolicy } of spec.initContainers ?? []) {
    const own = parseResources(resources?.requests);
    start = merged(start, merged(sidecars, own, plus), Math.max);
    if (restartPolicy === 'Always') sidecars = merged(sidecars, own, plus);
  }
  const running = spec.containers.reduce<Resources>(
    (sum, { resources }) => merged(sum, parseResources(resources?.requests), plus),
    sidecars,
  );
  const all = { ...merged(running, start, Math.max), ...parseResources(spec.resources?.requests) };
  return merged(all, parseResources(spec.overhead), plus);
}

function plus(one: number, other: number): number {
  return one + other;
}

function merged(one: Resources, other: Resources, by: (a: number, b: number) => number): Resources {
  const result: Record<string, number> = { ...one };
  for (const [name, amount] of Object.entries(other)) result[name] = by(result[name] ?? 0, amount);
  return result;
}
