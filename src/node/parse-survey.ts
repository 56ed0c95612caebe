import type { z } from 'zod';
import { NodeSurvey } from '../facts/node-survey.ts';
import { oneLine } from '../plain-text.ts';
import { type NodeState, parseNodeState } from './node-state.ts';
import { sourceOf, unattendedOf } from './survey-apt.ts';
import { etcdOf } from './survey-etcd.ts';
import { kubeletOf, runtimeOf, staticPodOf, timeOfDer } from './survey-kubernetes.ts';
import { all, first, firsts, type Lines, linesOf, notASurvey, positive } from './survey-lines.ts';

/** What the API server's clock showed right before the survey and right after it. */
export interface ApiTime {
  readonly before: Date;
  readonly after: Date;
}

const FORMAT = '1';
/** What survey.sh prints of a node is some 10 KB; this is for nodes with hundreds of sources and flags. */
const MAX_CHARACTERS = 500_000;

/** What every node has to say: without one of these the answer is not whole, and what is not said is not known. */
const REQUIRED = ['os', 'kernel', 'hardware', 'file-system', 'kubelet-socket', 'etcd-servers', 'own-bytes', 'end'];

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
