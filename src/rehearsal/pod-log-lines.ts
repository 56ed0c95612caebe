import { pods } from './api/resources.ts';
import { NAMESPACE } from './deployment-objects.ts';
import type { EmbeddedCluster } from './embedded-cluster.ts';

/** A line of a Job's log, which is a JSON object. */
export interface LogLine {
  readonly pod: string;
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface PodLogBook {
  /** All lines so far, those of pods that are gone included, in the order of their pods. */
  lines(): readonly LogLine[];
  /** The log as it came, by pod. */
  text(): ReadonlyMap<string, string>;
  close(): void;
}

/** What our pods have said. A failed Job that is replaced takes its pods away, but not what they said. */
export function startPodLogBook({ server: { store, podLogs } }: Pick<EmbeddedCluster, 'server'>): PodLogBook {
  const known = new Map<string, { readonly name: string; readonly containers: readonly string[] }>();
  const close = store.subscribe(({ resource, object }) => {
    if (resource !== pods || object.metadata.namespace !== NAMESPACE) return;
    const { uid, name } = object.metadata;
    if (!known.has(uid)) known.set(uid, { name, containers: ['nightlift'] });
  });
  const read = (): [pod: string, text: string][] =>
    [...known].flatMap(([uid, { name, containers }]) =>
      containers.filter((one) => podLogs.has(uid, one)).map((one): [string, string] => [name, podLogs.read(uid, one)]),
    );
  return {
    text: () => new Map(read()),
    lines: () => read().flatMap(([pod, text]) => text.split('\n').flatMap((line) => parseLine(pod, line) ?? [])),
    close,
  };
}

function parseLine(pod: string, line: string): LogLine | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const { time, level, message, ...fields } = JSON.parse(line) as Record<string, unknown>;
    return { pod, time: String(time), level: String(level), message: String(message), fields };
  } catch {
    // A process that was killed may leave half a line.
    return undefined;
  }
}
