import { z } from 'zod';
import type { KubeRequest } from './kube-request.ts';

/** What a request is about, as its path says it. */
export interface KubeSubject {
  /** 'v1', 'batch/v1' */
  readonly apiVersion: string;
  /** Empty for the core group. */
  readonly group: string;
  readonly plural: string;
  readonly namespace: string | undefined;
  /** undefined for a list. */
  readonly name: string | undefined;
  /** eviction, log; undefined for the object itself. */
  readonly subresource: string | undefined;
}

const Named = z.object({ metadata: z.object({ name: z.string() }) });

/** undefined for a path that is no object's: /version, /readyz. */
export function subjectOf({ path, body }: Pick<KubeRequest, 'path' | 'body'>): KubeSubject | undefined {
  const [root, ...parts] = path.split('/').slice(1).map(decodeURIComponent);
  const [group, version, rest] =
    root === 'api' ? ['', parts[0], parts.slice(1)] : [parts[0] ?? '', parts[1], parts.slice(2)];
  if ((root !== 'api' && root !== 'apis') || version === undefined) return undefined;
  const [namespace, [plural, name, subresource]] =
    rest[0] === 'namespaces' && rest.length > 2 ? [rest[1], rest.slice(2)] : [undefined, rest];
  if (plural === undefined) return undefined;
  return {
    apiVersion: group === '' ? version : `${group}/${version}`,
    group,
    plural,
    namespace,
    // What is created has its name in the body.
    name: name ?? Named.safeParse(body).data?.metadata.name,
    subresource,
  };
}

const Answer = z.object({
  kind: z.string(),
  apiVersion: z.string(),
  status: z.unknown().optional(),
  details: z.looseObject({}).optional(),
  metadata: z.object({
    name: z.string().optional(),
    resourceVersion: z.string().optional(),
    continue: z.string().optional(),
    remainingItemCount: z.number().nullish(),
  }),
});

/**
 * Why an answer of success is not one about what was asked for; undefined when it is. A list says at which
 * resourceVersion it was true. Those of aggregated servers, such as metrics.k8s.io, do not: none of them is asked.
 */
export function mismatch(request: KubeRequest, value: unknown): string | undefined {
  const subject = subjectOf(request);
  if (subject === undefined || subject.subresource !== undefined) return undefined;
  const { apiVersion, plural, name } = subject;
  const parsed = Answer.safeParse(value);
  if (!parsed.success) return `it is no object of Kubernetes (${parsed.error.issues[0]?.path.join('.') ?? ''})`;
  const { kind, metadata, details, ...answer } = parsed.data;
  if (request.method === 'DELETE' && kind === 'Status')
    return answer.status === 'Success' && details?.['name'] === name
      ? undefined
      : 'it is a Status about something else';
  const isTable = request.table === true && kind === 'Table' && answer.apiVersion === 'meta.k8s.io/v1';
  const isList = (request.method ?? 'GET') === 'GET' && name === undefined;
  const expected = `${isList ? 'a list of ' : ''}${plural} of ${apiVersion}`;
  const isKind = isList ? kind.endsWith('List') && isKindOf(kind.slice(0, -4), plural) : isKindOf(kind, plural);
  if (!isTable && (!isKind || answer.apiVersion !== apiVersion))
    return `it is ${kind} of ${answer.apiVersion}, not ${expected}`;
  if (!isList)
    return name === undefined || metadata.name === name ? undefined : `it is "${metadata.name}", not "${name}"`;
  if ((metadata.resourceVersion ?? '') === '') return 'it is a list without a resourceVersion';
  if ((metadata.continue ?? '') === '' && (metadata.remainingItemCount ?? 0) > 0)
    return `it lacks ${metadata.remainingItemCount} items, and does not say where they are`;
  return undefined;
}

/** Of the kinds that are asked for, as apimachinery guesses it (`UnsafeGuessKindToResource` in pkg/api/meta). */
export function isKindOf(kind: string, plural: string): boolean {
  const word = kind.toLowerCase();
  if (word.endsWith('s')) return plural === `${word}es`;
  return plural === (word.endsWith('y') ? `${word.slice(0, -1)}ies` : `${word}s`);
}
