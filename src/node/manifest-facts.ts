import { parse } from 'yaml';
import { z } from 'zod';
import { NightliftError, reasonOf } from '../errors.ts';

/** What a static pod's manifest says, by a name for each thing: '--anonymous-auth', 'env HTTPS_PROXY', 'volume k8s-certs', 'resources.limits.memory'. */
export type ManifestFacts = ReadonlyMap<string, string>;

const Named = z.looseObject({ name: z.string() });
const Container = Named.extend({
  image: z.string().nullish(),
  command: z.array(z.string()).nullish(),
  args: z.array(z.string()).nullish(),
  env: z.array(Named.extend({ value: z.unknown().optional() })).nullish(),
  volumeMounts: z.array(z.looseObject({ mountPath: z.string() })).nullish(),
});
const StaticPod = z.looseObject({
  kind: z.literal('Pod'),
  spec: z.looseObject({
    containers: z.array(Container).min(1),
    initContainers: z.array(Container).nullish(),
    volumes: z.array(Named).nullish(),
  }),
});

/**
 * Of the container that has the component's name, things are called by their own names; those of other containers begin
 * with 'container NAME'. Comments, the order of keys and what is empty say nothing. @throws NightliftError (node) for what is no static pod.
 */
export function manifestFacts(manifest: string, component: string): ManifestFacts {
  const { spec, ...pod } = staticPodOf(manifest);
  const { containers, initContainers, volumes, ...rest } = spec;
  const facts = new Map<string, string>();
  const add: Add = (name, value) => {
    const before = facts.get(name);
    // A flag may stand there more than once, and its order counts.
    facts.set(name, before === undefined ? value : `${before}, ${value}`);
  };
  flatten('', pod, add);
  flatten('spec', rest, add);
  for (const { name, ...volume } of volumes ?? []) add(`volume ${name}`, shown(volume));
  for (const container of containers) {
    const isOwn = container.name === component;
    if (!isOwn) add(`container ${container.name}`, container.image ?? 'no image');
    addContainer(isOwn ? '' : `container ${container.name} `, container, add);
  }
  for (const container of initContainers ?? []) {
    add(`initContainer ${container.name}`, container.image ?? 'no image');
    addContainer(`initContainer ${container.name} `, container, add);
  }
  return facts;
}

function staticPodOf(manifest: string): z.infer<typeof StaticPod> {
  try {
    return StaticPod.parse(parse(manifest, { logLevel: 'error' }));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : reasonOf(error);
    throw new NightliftError('node', `it is no static pod: ${why}`);
  }
}

type Add = (name: string, value: string) => void;

function addContainer(prefix: string, container: z.infer<typeof Container>, add: Add): void {
  const { name: _, image, command, args, env, volumeMounts, ...rest } = container;
  if (image != null) add(`${prefix}image`, image);
  for (const word of [...(command ?? []), ...(args ?? [])]) {
    const [, flag, value] = /^(--[\w.-]+)(?:=([^]*))?$/.exec(word) ?? [];
    if (flag === undefined) add(`${prefix}command`, word);
    else add(`${prefix}${flag}`, value ?? '');
  }
  for (const { name, value, ...from } of env ?? []) add(`${prefix}env ${name}`, shown(value ?? from));
  for (const { mountPath, ...mount } of volumeMounts ?? []) add(`${prefix}volumeMount ${mountPath}`, shown(mount));
  flatten('', rest, (name, value) => add(`${prefix}${name}`, value));
}

/** Objects by their path; lists as they stand. */
function flatten(path: string, value: unknown, add: Add): void {
  if (value === null || value === undefined) return;
  if (Array.isArray(value) || typeof value !== 'object') {
    if (!Array.isArray(value) || value.length > 0) add(path, shown(value));
    return;
  }
  for (const [key, part] of Object.entries(value)) flatten(path === '' ? key : `${path}.${key}`, part, add);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(sorted(value)) ?? '');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => [key, sorted(part)]),
  );
}
