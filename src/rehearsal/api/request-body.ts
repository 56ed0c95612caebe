import type { IncomingMessage } from 'node:http';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import type { DeleteOptions } from './deletion.ts';
import type { Json } from './json.ts';
import type { KubeObject, NewObject } from './kinds.ts';
import type { Resource } from './resource.ts';
import { apiVersionOf } from './resources.ts';
import { badRequest } from './status-error.ts';

/** Shapes of what clients send; only what the server itself reads is looked at. */

const textMap = z.record(z.string(), z.string()).nullish();

const Metadata = z.looseObject({
  name: z.string().nullish(),
  generateName: z.string().nullish(),
  namespace: z.string().nullish(),
  uid: z.string().nullish(),
  resourceVersion: z.string().nullish(),
  labels: textMap,
  annotations: textMap,
  finalizers: z.array(z.string()).nullish(),
});

const Body = z.looseObject({
  apiVersion: z.string().optional(),
  kind: z.string().optional(),
  metadata: Metadata.nullish(),
});

const DeleteBody = z.looseObject({
  propagationPolicy: z.enum(['Orphan', 'Background', 'Foreground']).nullish(),
  orphanDependents: z.boolean().nullish(),
  gracePeriodSeconds: z.number().int().nullish(),
  preconditions: z.looseObject({ uid: z.string().nullish(), resourceVersion: z.string().nullish() }).nullish(),
  dryRun: z.array(z.string()).nullish(),
});

const EvictionBody = z.looseObject({
  metadata: z.looseObject({ name: z.string().optional(), namespace: z.string().optional() }).optional(),
  deleteOptions: DeleteBody.nullish(),
});

export const JsonPatchBody = z.array(
  z.object({
    op: z.enum(['add', 'remove', 'replace', 'move', 'copy', 'test']),
    path: z.string(),
    from: z.string().optional(),
    value: z.json().optional(),
  }),
);

export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

/** Apply patches may be YAML, everything else is JSON. */
export function parseJson(text: string, kind: string, yaml = false): Json {
  try {
    return z.json().parse(yaml ? parseYaml(text) : JSON.parse(text));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: ${why}`,
    );
  }
}

/** An object as a client sends it, fit to be stored under this route. */
export function parseObject(resource: Resource, value: unknown, namespace: string | undefined): NewObject<KubeObject> {
  const parsed = Body.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue === undefined ? '' : `${issue.path.join('.')}: ${issue.message}`;
    throw badRequest(
      `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: ${where}`,
    );
  }
  const { kind, apiVersion, metadata } = parsed.data;
  const version = apiVersionOf(resource);
  if ((kind ?? resource.kind) !== resource.kind || (apiVersion ?? version) !== version) {
    const from = `v1.${kind ?? resource.kind}`;
    const to = `${resource.group === '' ? 'core' : resource.group.split('.')[0]}.${resource.kind}`;
    throw badRequest(
      `${kind ?? resource.kind} in version "${apiVersion?.split('/').at(-1) ?? resource.version}" cannot be handled as a ${resource.kind}: converting (${from}) to (${to}): unknown conversion`,
    );
  }
  if (namespace !== undefined && (metadata?.namespace ?? namespace) !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  const present = Object.fromEntries(
    Object.entries(metadata ?? {}).filter(([, field]) => field !== null && field !== ''),
  );
  return {
    ...parsed.data,
    metadata: { ...present, ...(namespace === undefined ? {} : { namespace }) },
  } as NewObject<KubeObject>;
}

function deleteOptions(body: z.infer<typeof DeleteBody>): DeleteOptions {
  const { propagationPolicy, orphanDependents, gracePeriodSeconds, preconditions, dryRun } = body;
  const legacy = orphanDependents === true ? 'Orphan' : 'Background';
  const policy = propagationPolicy ?? (typeof orphanDependents === 'boolean' ? legacy : undefined);
  const { uid, resourceVersion } = preconditions ?? {};
  return {
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
    ...(typeof gracePeriodSeconds === 'number' ? { gracePeriodSeconds } : {}),
    ...(dryRun?.includes('All') === true ? { dryRun: true } : {}),
    preconditions: { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) },
  };
}

/** A body, even an empty object, makes the server ignore the options of the query, as the real one does. */
export function parseDeleteOptions(text: string, query: URLSearchParams): DeleteOptions {
  if (text.trim() !== '') {
    const parsed = DeleteBody.safeParse(parseJson(text, 'DeleteOptions'));
    if (!parsed.success) throw badRequest(`invalid DeleteOptions: ${z.prettifyError(parsed.error)}`);
    return deleteOptions(parsed.data);
  }
  const grace = query.get('gracePeriodSeconds');
  const parsed = DeleteBody.safeParse({
    propagationPolicy: query.get('propagationPolicy'),
    orphanDependents: query.has('orphanDependents') ? query.get('orphanDependents') === 'true' : undefined,
    gracePeriodSeconds: grace === null ? undefined : Number(grace),
    dryRun: query.getAll('dryRun'),
  });
  if (!parsed.success) throw badRequest(`invalid DeleteOptions: ${z.prettifyError(parsed.error)}`);
  return deleteOptions(parsed.data);
}

export function parseEviction(text: string, name: string, query: URLSearchParams): DeleteOptions {
  const parsed = EvictionBody.safeParse(parseJson(text, 'Eviction'));
  if (!parsed.success) throw badRequest(`invalid Eviction: ${z.prettifyError(parsed.error)}`);
  const named = parsed.data.metadata?.name;
  if (named !== undefined && named !== '' && named !== name) {
    throw badRequest('name in URL does not match name in Eviction object');
  }
  const options = deleteOptions(parsed.data.deleteOptions ?? {});
  return query.getAll('dryRun').includes('All') ? { ...options, dryRun: true } : options;
}
