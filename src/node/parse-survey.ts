import { gunzipSync } from 'node:zlib';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { NightliftError } from '../errors.ts';
import { type EtcdState, NodeSurvey } from '../facts/node-survey.ts';
import { known, type Observed, unknown } from '../observed.ts';
import { oneLine } from '../plain-text.ts';
import { type NodeState, parseNodeState } from './node-state.ts';

/** What the API server's clock showed right before the survey and right after it. */
export interface ApiTime {
  readonly before: Date;
  readonly after: Date;
}

const FORMAT = '1';
/** What survey.sh prints of a node is some 10 KB; this is for nodes with hundreds of sources and flags. */
const MAX_CHARACTERS = 500_000;
const MAX_FILE_BYTES = 300_000;

/** What every node has to say: without one of these the answer is not whole, and what is not said is not known. */
const REQUIRED = ['os', 'kernel', 'hardware', 'file-system', 'kubelet-socket', 'etcd-servers', 'own-bytes', 'end'];

type Lines = ReadonlyMap<string, readonly (readonly string[])[]>;

/**
 * Reads what survey.sh has printed. Pure. `apiTime` undefined: the clock cannot be judged.
 * @throws NightliftError (node) for an answer that is not whole, not of this version, or no such answer at all.
 */
export function parseSurvey(output: string, apiTime: ApiTime | undefined): NodeSurvey {
  if (output.length > MAX_CHARACTERS) throw notASurvey(`it has ${output.length} characters`);
  const lines = linesOf(output);
  const [version = '', time = ''] = first(lines, 'begin');
  if (version === '') throw notASurvey(`it does not begin as one: ${oneLine(output.slice(0, 120)) || 'it is empty'}`);
  if (version !== FORMAT) throw notASurvey(`it is of format ${version}, and ${FORMAT} is read here`);
  const missing = REQUIRED.filter((key) => !lines.has(key));
  if (missing.length > 0) throw notASurvey(`it does not say ${missing.join(', ')}`);
  const survey = NodeSurvey.safeParse(surveyOf(lines, parseNodeState(output), Number(time), apiTime));
  if (survey.success) return survey.data;
  const at = survey.error.issues[0];
  throw notASurvey(`${at?.path.join('.') ?? ''}: ${at?.message ?? ''}`);
}

function notASurvey(why: string): NightliftError {
  return new NightliftError('node', `reading what the node says of itself: ${why}`, {
    remedy: 'See what survey.sh prints on the node; an edited copy must print every line.',
  });
}

function linesOf(output: string): Lines {
  const lines = new Map<string, string[][]>();
  for (const line of output.split('\n')) {
    if (!line.startsWith('survey.')) continue;
    const [key = '', ...fields] = line.slice('survey.'.length).split('\t');
    const found = lines.get(key);
    if (found === undefined) lines.set(key, [fields]);
    else found.push(fields);
  }
  return lines;
}

const all = (lines: Lines, key: string): readonly (readonly string[])[] => lines.get(key) ?? [];
const first = (lines: Lines, key: string): readonly string[] => all(lines, key)[0] ?? [];
const firsts = (lines: Lines, key: string): string[] => all(lines, key).map(([value = '']) => oneLine(value));

function surveyOf(
  lines: Lines,
  state: NodeState,
  time: number,
  apiTime: ApiTime | undefined,
): z.input<typeof NodeSurvey> {
  const [id = '', version = '', name = ''] = first(lines, 'os').map(oneLine);
  const [kernel = '', architecture = ''] = first(lines, 'kernel').map(oneLine);
  const [virtualisation = '', vendor = '', product = '', cpus = '0', cpu = '', memory = '0', swap = '0'] = first(
    lines,
    'hardware',
  ).map(oneLine);
  return {
    os: { id, version, name },
    kernel,
    architecture,
    hardware: {
      virtualisation,
      vendor,
      product,
      cpu,
      cpus: Number(cpus),
      memoryBytes: Number(memory),
      nics: all(lines, 'nic').map(([nic = '', driver = '', speed = '']) => ({
        name: oneLine(nic),
        driver: oneLine(driver),
        // -1: there is no link.
        megabits: positive(speed),
      })),
    },
    cgroup: cgroupOf(first(lines, 'cgroup')[0]),
    swapBytes: Number(swap),
    clockOffsetSeconds: offsetOf(time, apiTime),
    uptimeSeconds: positive(first(lines, 'uptime')[0] ?? ''),
    rebootRequired: lines.has('reboot-required'),
    missingTools: firsts(lines, 'missing-tool'),
    fileSystems: all(lines, 'file-system').map(fileSystemOf),
    apt: {
      sources: all(lines, 'apt-source').map(([file = '', text = '']) => sourceOf(oneLine(file), oneLine(text))),
      proxies: [...all(lines, 'apt-config').filter(([key = '']) => /proxy/i.test(key)), ...all(lines, 'proxy')].map(
        ([where = '', value = '']) => oneLine(`${where} ${value}`),
      ),
      defaultRelease: oneLine(all(lines, 'apt-config').find(([key]) => key === 'APT::Default-Release')?.[1] ?? ''),
      pins: firsts(lines, 'apt-pin'),
      unattended: unattendedOf(all(lines, 'apt-config')),
      locks: all(lines, 'apt-lock').map(([file = '', pid = '0', program = '', began = '']) => ({
        file: oneLine(file),
        pid: Number(pid),
        program: oneLine(program),
        seconds: began === '' ? null : Math.max(0, time - Number(began)),
      })),
    },
    packages: all(lines, 'package').map(([status = '', packageName = '', packageVersion = '']) => ({
      name: oneLine(packageName),
      version: oneLine(packageVersion),
      held: status.startsWith('h'),
      installed: /^.i$/.test(status),
    })),
    runtime: runtimeOf(lines),
    kubelet: kubeletOf(lines, state),
    staticPods: all(lines, 'static-pod').map(([file = '', packed = '']) => staticPodOf(oneLine(file), packed)),
    patches: firsts(lines, 'patch'),
    certificates: all(lines, 'certificate').map(([file = '', end = '', start = '']) => ({
      file: oneLine(file),
      startsAt: timeOfDer(start),
      endsAt: timeOfDer(end),
    })),
    etcd: etcdOf(lines, state.etcdBytes ?? null),
    backups: { count: state.backups.length, bytes: state.backups.reduce((sum, { bytes }) => sum + bytes, 0) },
    leftovers: {
      staged: [...state.staged],
      units: [...state.units].map(([unit, active]) => `${oneLine(unit)} ${oneLine(active)}`),
      sourceChanged: [...state.sourceChanged],
      bytes: Number(first(lines, 'own-bytes')[0] ?? 0),
    },
  };
}

function positive(text: string): number | null {
  const value = Number(text);
  return text.trim() === '' || !Number.isFinite(value) || value < 0 ? null : value;
}

function cgroupOf(word: string | undefined): 'v1' | 'v2' | null {
  return word === 'v1' || word === 'v2' ? word : null;
}

/** Nothing as long as it lies between the two: a look takes its time. */
function offsetOf(time: number, apiTime: ApiTime | undefined): number | null {
  if (apiTime === undefined || !Number.isFinite(time) || time <= 0) return null;
  // Both say whole seconds.
  const earliest = apiTime.before.getTime() / 1000 - 1;
  const latest = apiTime.after.getTime() / 1000 + 1;
  if (time < earliest) return Math.round(time - earliest);
  return time > latest ? Math.round(time - latest) : 0;
}

function fileSystemOf(fields: readonly string[]): NodeSurvey['fileSystems'][number] {
  const [path = '', mount = '', type = '', bytes = '', free = '', inodes = '', freeInodes = '', options = ''] = fields;
  const has = (option: string): boolean => options.split(',').includes(option);
  return {
    path: oneLine(path === '' ? '/' : path),
    mount: oneLine(mount),
    type: oneLine(type),
    bytes: Number(bytes),
    freeBytes: Number(free),
    // btrfs and others have a dash here: they make inodes as they go.
    inodes: positive(inodes) ?? 0,
    freeInodes: positive(freeInodes) ?? 0,
    readOnly: has('ro'),
    noexec: has('noexec'),
  };
}

function sourceOf(file: string, text: string): NodeSurvey['apt']['sources'][number] {
  if (file.endsWith('.sources')) {
    const field = (name: string): string | undefined =>
      text
        .split(' ; ')
        .find((part) => part.toLowerCase().startsWith(`${name}:`))
        ?.slice(name.length + 1)
        .trim();
    return {
      file,
      text,
      enabled: field('enabled')?.toLowerCase() !== 'no',
      signedBy: (field('signed-by') ?? '').split(/[\s,]+/).filter((word) => word !== ''),
    };
  }
  const signedBy = /\bsigned-by=([^\]\s]+)/i.exec(text)?.[1] ?? '';
  return { file, text, enabled: true, signedBy: signedBy.split(',').filter((word) => word !== '') };
}

const UNATTENDED = 'Unattended-Upgrade::';

function unattendedOf(config: readonly (readonly string[])[]): string[] {
  const isOn = config.some(([key, value]) => key === 'APT::Periodic::Unattended-Upgrade' && value !== '0');
  if (!isOn) return [];
  return config.flatMap(([key = '', value = '']) =>
    key.startsWith(UNATTENDED) ? [oneLine(`${key.slice(UNATTENDED.length)} ${value}`)] : [],
  );
}

function runtimeOf(lines: Lines): NodeSurvey['runtime'] {
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

function kubeletOf(lines: Lines, state: NodeState): NodeSurvey['kubelet'] {
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

function staticPodOf(file: string, packed: string): NodeSurvey['staticPods'][number] {
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
function timeOfDer(hex: string): string | null {
  const text = Buffer.from(hex.slice(4), 'hex').toString('latin1');
  const [, year = '', month = '', day = '', hour = '', minute = '', second = ''] =
    /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  const short = hex.startsWith('17');
  const full = short ? (Number(year) >= 50 ? 1900 : 2000) + Number(year) : Number(year);
  const at = new Date(Date.UTC(full, Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)));
  return year === '' || Number.isNaN(at.getTime()) ? null : at.toISOString();
}

const Members = z.object({
  members: z.array(z.object({ name: z.string().default(''), isLearner: z.boolean().default(false) })),
});
const Status = z
  .array(z.object({ Status: z.object({ version: z.string(), dbSize: z.number().nonnegative() }) }))
  .min(1);
/** The kind of an alarm is a number: etcd's own AlarmType. */
const Alarms = z.object({ alarms: z.array(z.object({ alarm: z.number() })).nullish() });
const ALARMS: Readonly<Record<number, string>> = { 1: 'NOSPACE', 2: 'CORRUPT' };

function etcdOf(lines: Lines, directoryBytes: number | null): NodeSurvey['etcd'] {
  const [servers = ''] = first(lines, 'etcd-servers');
  const own = first(lines, 'etcd');
  if (own.length === 0) return { where: servers === '' ? 'none' : 'elsewhere', state: null };
  return { where: 'here', state: etcdState(lines, own, directoryBytes) };
}

function etcdState(lines: Lines, own: readonly string[], directoryBytes: number | null): Observed<EtcdState> {
  const [dataDirectory = '', listenUrls = '', quota = ''] = own.map(oneLine);
  const [silent] = firsts(lines, 'etcd-silent');
  if (silent !== undefined) return unknown(silent);
  const answers = new Map(all(lines, 'etcd-answer').map(([question = '', answer = '']) => [question, answer]));
  const read = <S extends z.ZodType>(question: string, schema: S): z.infer<S> | undefined => {
    try {
      const answer = schema.safeParse(JSON.parse(answers.get(question) ?? ''));
      return answer.success ? answer.data : undefined;
    } catch {
      return undefined;
    }
  };
  const members = read('member list', Members);
  const status = read('endpoint status', Status);
  const alarms = read('alarm list', Alarms);
  if (members === undefined || status === undefined || alarms === undefined) {
    const said = [...answers].map(([question, answer]) => `${question}: ${oneLine(answer.slice(0, 200))}`).join('; ');
    return unknown(`etcd did not answer as etcd does: ${said || 'nothing came'}`);
  }
  return known({
    version: oneLine(status[0]?.Status.version ?? ''),
    dataDirectory,
    listenUrls: listenUrls.split(',').filter((url) => url !== ''),
    members: members.members.map(({ name, isLearner }) => ({ name: oneLine(name), learner: isLearner })),
    databaseBytes: status[0]?.Status.dbSize ?? null,
    directoryBytes,
    quotaBytes: positive(quota),
    alarms: (alarms.alarms ?? []).map(({ alarm }) => ALARMS[alarm] ?? `alarm ${alarm}`),
  });
}
