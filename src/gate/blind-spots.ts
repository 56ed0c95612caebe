import type { ApiServerMetricsFact, Facts } from '../facts/facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { controlPlanes } from '../facts/nodes.ts';

type Instance = ApiServerMetricsFact['instances'][number];

export interface BlindSpot {
  readonly why: string;
  readonly remedy: string;
}

/** An API server, or what stands for one where labels do not tell which it is. */
interface Seen {
  readonly name: string;
  /** Before it was made there was nothing to be missed. */
  readonly createdAt: string;
  readonly instances: readonly Instance[];
}

const SCRAPE =
  'Let Prometheus scrape every API server by itself (role endpoints of the Service default/kubernetes), not one address for all.';
const HOUR_MS = 3_600_000;
/** The oldest data are found as exactly as the 168th part of the look-back; one part more is for the first scrape. */
const SLACK = 2 / 168;

/**
 * What of the use of deprecated APIs Prometheus cannot have seen: API servers that it does not scrape, and times before its
 * data begin. undefined when there is nothing of the kind, and for facts of a version that did not look. Pure.
 */
export function blindSpots({ apiServerMetrics, nodes, observedAt }: Facts): BlindSpot | undefined {
  if (apiServerMetrics === undefined) return undefined;
  if (!apiServerMetrics.known) return { why: apiServerMetrics.why, remedy: SCRAPE };
  if (!nodes.known)
    return { why: `the control planes are not known: ${nodes.why}`, remedy: 'Look at kubectl get nodes -o wide.' };
  const planes = controlPlanes(nodes.value);
  const { instances, lookbackHours } = apiServerMetrics.value;
  const byPlane = planes.map((plane) => seenOf(plane, instances));
  const spots = byPlane.some((seen) => seen.instances.length > 0)
    ? [notScraped(byPlane), notUp(byPlane), tooYoung(byPlane, lookbackHours, observedAt)]
    : [tooFew(planes, instances), tooYoung(nameless(planes, instances), lookbackHours, observedAt)];
  const found = spots.filter((spot) => spot !== undefined);
  if (found.length === 0) return undefined;
  return {
    why: found.map(({ why }) => why).join('; '),
    remedy: [...new Set(found.map(({ remedy }) => remedy))].join(' '),
  };
}

function seenOf({ name, internalIp, createdAt }: NodeFact, instances: readonly Instance[]): Seen {
  return {
    name,
    createdAt,
    instances: instances.filter(({ instance }) => [name, internalIp].includes(hostOf(instance))),
  };
}

/** '10.0.0.1:6443' → '10.0.0.1', '[fd00::1]:6443' → 'fd00::1' */
function hostOf(instance: string): string {
  return /^\[(.+)\](?::\d+)?$/.exec(instance)?.[1] ?? instance.replace(/:\d+$/, '');
}

/** Those that are up, each for itself: their labels may be anything. */
function nameless(planes: readonly NodeFact[], instances: readonly Instance[]): readonly Seen[] {
  const createdAt = planes.map((plane) => plane.createdAt).toSorted()[0] ?? '';
  const names = [...new Set(instances.filter(({ up }) => up).map(({ instance }) => instance))];
  return names.map((name) => ({
    name,
    createdAt,
    instances: instances.filter(({ instance }) => instance === name),
  }));
}

function tooFew(planes: readonly NodeFact[], instances: readonly Instance[]): BlindSpot | undefined {
  if (planes.length === 0) return { why: 'the cluster shows no control plane', remedy: SCRAPE };
  const names = nameless(planes, instances).map(({ name }) => name);
  if (names.length >= planes.length) return undefined;
  const which = names.length === 0 ? '' : ` (${names.join(', ')})`;
  return {
    why: `Prometheus has metrics of ${names.length} of the ${planes.length} API servers${which}`,
    remedy: SCRAPE,
  };
}

function notScraped(planes: readonly Seen[]): BlindSpot | undefined {
  const names = planes.filter(({ instances }) => instances.length === 0).map(({ name }) => name);
  if (names.length === 0) return undefined;
  return { why: `Prometheus has no metrics of ${apiServersOn(names)}`, remedy: SCRAPE };
}

function notUp(planes: readonly Seen[]): BlindSpot | undefined {
  const down = planes.filter(({ instances }) => instances.length > 0 && !instances.some(({ up }) => up));
  if (down.length === 0) return undefined;
  const targets = down.flatMap(({ instances }) => instances.map(({ job, instance }) => `${job} ${instance}`));
  return {
    why: `Prometheus cannot scrape ${apiServersOn(down.map(({ name }) => name))} now (down: ${targets.join(', ')})`,
    remedy: 'See /targets of Prometheus for why not.',
  };
}

function tooYoung(planes: readonly Seen[], lookbackHours: number, observedAt: string): BlindSpot | undefined {
  const now = Date.parse(observedAt);
  const windowMs = lookbackHours * HOUR_MS;
  const young = planes.flatMap(({ name, createdAt, instances }) => {
    // Also of a job that is gone: what it has seen has been seen.
    const since = Math.min(...instances.map((one) => Date.parse(one.since)));
    const asked = Math.max(now - windowMs, Date.parse(createdAt));
    return Number.isFinite(since) && since > asked + windowMs * SLACK ? [{ name, since }] : [];
  });
  if (young.length === 0) return undefined;
  const since = Math.max(...young.map((one) => one.since));
  const hours = Math.floor(((now - since) / HOUR_MS) * 10) / 10;
  const when = (time: number): string => new Date(time).toISOString();
  const fewer = hours > 0 ? `, or set alerts.lookbackHours to ${hours} or less` : '';
  return {
    why: `what Prometheus has of ${apiServersOn(young.map(({ name }) => name))} goes back to ${when(since)}, ${hours} h, and alerts.lookbackHours asks for ${lookbackHours}`,
    remedy: `Wait until ${when(since + windowMs)} if Prometheus keeps its data for that long (--storage.tsdb.retention.time); else let it keep them longer${fewer}.`,
  };
}

function apiServersOn(names: readonly string[]): string {
  return `the API server${names.length === 1 ? '' : 's'} on ${names.join(', ')}`;
}
