import { gunzipSync } from 'node:zlib';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import type { NodeSurvey } from '../facts/node-survey.ts';
import { oneLine } from '../plain-text.ts';
import type { NodeState } from './node-state.ts';
import { all, first, firsts, type Lines, notASurvey } from './survey-lines.ts';

const MAX_FILE_BYTES = 300_000;

export function runtimeOf(lines: Lines): NodeSurvey['runtime'] {
  const setting = (...names: readonly string[]): string =>
    oneLine(all(lines, 'containerd').find(([key = '']) => names.includes(key))?.[1] ?? '');
  const configVersion = setting('version');
  return {
    sockets: firsts(lines, 'socket'),
    socket: oneLine(first(lines, 'kubelet-socket')[0] ?? ''),
    root: setting('root') || '/var/lib/containerd',
    configVersion: /^\d+$/.test(configVersion) ? Number(configVersion) : null,
    sandboxImage: setting('sandbox_image', 'sandbox'),
  };
}

const Scalar = z.union([z.string(), z.number(), z.boolean()]);
const KubeletConfig = z.object({ featureGates: z.record(z.string(), z.boolean()).nullish() }).catchall(z.unknown());
/** Of the kubelet's config file: what decides whether it starts, and by what it is known. */
const KUBELET_SETTINGS = [
  'failSwapOn',
  'failCgroupV1',
  'cgroupDriver',
  'containerRuntimeEndpoint',
  'staticPodPath',
  'rotateCertificates',
];

export function kubeletOf(lines: Lines, state: NodeState): NodeSurvey['kubelet'] {
  const flags = all(lines, 'kubelet-flag').map(([file = '', flag = '']) => ({
    file: oneLine(file),
    flag: oneLine(flag),
  }));
  const args = withValues(firsts(lines, 'kubelet-argument'));
  const config: Record<string, string | number | boolean> = {};
  const featureGates: Record<string, boolean> = {};
  for (const [file = '', packed = ''] of all(lines, 'kubelet-config')) {
    const read = KubeletConfig.safeParse(yamlOf(unpacked(packed, file), file) ?? {});
    if (!read.success) throw notASurvey(`the kubelet's ${oneLine(file)} is not one`);
    for (const name of KUBELET_SETTINGS) {
      const value = Scalar.safeParse(read.data[name]);
      if (value.success) config[name] = typeof value.data === 'string' ? oneLine(value.data) : value.data;
    }
    Object.assign(featureGates, read.data.featureGates ?? {});
  }
  for (const flag of [...flags.map((one) => one.flag), ...args]) Object.assign(featureGates, gatesOf(flag));
  return { active: oneLine(state.kubelet), arguments: args, flags, config, featureGates };
}

/** `--v 1` is `--v=1` to a program of Kubernetes, but for a switch, which takes none and stands before another flag or last. */
function withValues(words: readonly string[]): string[] {
  const found: string[] = [];
  for (const word of words) {
    const last = found.at(-1) ?? '';
    if (/^--[a-z][\w-]*$/.test(last) && !word.startsWith('-')) found[found.length - 1] = `${last}=${word}`;
    else found.push(word);
  }
  return found;
}

/** Of one flag `--feature-gates=A=true,B=false`. */
export function gatesOf(flag: string): Record<string, boolean> {
  const value = /^--feature-gates=(.*)$/.exec(flag)?.[1];
  return Object.fromEntries(
    (value ?? '').split(',').flatMap((one) => {
      const [gate = '', on = ''] = one.split('=');
      return /^[A-Z][A-Za-z0-9]*$/.test(gate) ? [[gate, on === 'true'] as const] : [];
    }),
  );
}

const Container = z.object({
  name: z.string().default(''),
  image: z.string().default(''),
  command: z.array(z.string()).nullish(),
  args: z.array(z.string()).nullish(),
});
const Pod = z.object({
  kind: z.literal('Pod'),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    initContainers: z.array(Container).nullish(),
    containers: z.array(Container),
    volumes: z.array(z.object({ name: z.string(), hostPath: z.object({ path: z.string() }).nullish() })).nullish(),
  }),
});

export function staticPodOf(file: string, packed: string): NodeSurvey['staticPods'][number] {
  const nothing = { file, pod: null, images: [], arguments: [], containers: [], volumes: [] };
  if (packed === 'too-large') return nothing;
  const read = Pod.safeParse(yamlOf(unpacked(packed, file), file));
  if (!read.success) return nothing;
  const { metadata, spec } = read.data;
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  return {
    file,
    pod: oneLine(metadata.name),
    images: containers.map(({ image }) => oneLine(image)),
    arguments: containers
      .flatMap(({ command, args }) => withValues([...(command ?? []), ...(args ?? [])]))
      .map(oneLine),
    containers: containers.map(({ name }) => oneLine(name)),
    volumes: (spec.volumes ?? []).flatMap(({ name, hostPath }) =>
      hostPath === undefined || hostPath === null ? [] : [oneLine(`${name}=${hostPath.path}`)],
    ),
  };
}

function unpacked(packed: string, file: string): string {
  try {
    return gunzipSync(Buffer.from(packed, 'base64'), { maxOutputLength: MAX_FILE_BYTES }).toString('utf8');
  } catch {
    throw notASurvey(`the file ${oneLine(file)} did not come whole`);
  }
}

/** undefined for what is no YAML: that is the node's own affair, until somebody asks about it. */
function yamlOf(text: string, file: string): unknown {
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'silent' });
  if (document.errors.length > 0) return undefined;
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch {
    throw notASurvey(`the file ${oneLine(file)} cannot be read: its aliases lead nowhere`);
  }
}

/**
 * A time of a certificate in DER: UTCTime (tag 17, YYMMDDHHMMSSZ, years from 1950 on) or GeneralizedTime (18,
 * YYYYMMDDHHMMSSZ). RFC 5280, 4.1.2.5.
 */
export function timeOfDer(hex: string): string | null {
  const text = Buffer.from(hex.slice(4), 'hex').toString('latin1');
  const [, year = '', month = '', day = '', hour = '', minute = '', second = ''] =
    /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  const short = hex.startsWith('17');
  const full = short ? (Number(year) >= 50 ? 1900 : 2000) + Number(year) : Number(year);
  const at = new Date(Date.UTC(full, Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)));
  return year === '' || Number.isNaN(at.getTime()) ? null : at.toISOString();
}
