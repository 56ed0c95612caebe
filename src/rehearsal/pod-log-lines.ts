import type { ApiServer } from './api/api-server.ts';
import { pods } from './api/resources.ts';
import { NAMESPACE } from './deployment-objects.ts';

/** A line of a Job's log, which is a JSON object. */
export interface LogLine {
  readonly pod: string;
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface PodLogBook {
  /** All lines so far, those of pods that are gone included, in the order in which they were read. The list grows. */
  lines(): readonly LogLine[];
  /** The log as it came, by pod. */
  text(): ReadonlyMap<string, string>;
  close(): void;
}

interface KnownPod {
  readonly name: string;
  /** How much of its log has been read, up to the end of a line. */
  read: number;
}

const CONTAINER = 'nightlift';

/** What our pods have said. A failed Job that is replaced takes its pods away, but not what they said. */
export function startPodLogBook({ store, podLogs }: Pick<ApiServer, 'store' | 'podLogs'>): PodLogBook {
  const known = new Map<string, KnownPod>();
  const lines: LogLine[] = [];
  const close = store.subscribe(({ resource, object }) => {
    if (resource !== pods || object.metadata.namespace !== NAMESPACE) return;
    const { uid, name } = object.metadata;
    if (!known.has(uid)) known.set(uid, { name, read: 0 });
  });
  const textOf = (uid: string): string => (podLogs.has(uid, CONTAINER) ? podLogs.read(uid, CONTAINER) : '');
  return {
    text: () => new Map([...known].map(([uid, { name }]) => [name, textOf(uid)])),
    lines() {
      for (const [uid, pod] of known) {
        const text = textOf(uid);
        const end = text.lastIndexOf('\n') + 1;
        if (end > pod.read) {
          for (const line of text.slice(pod.read, end).split('\n')) lines.push(...(parseLine(pod.name, line) ?? []));
          pod.read = end;
        }
      }
      return lines;
    },
    close,
  };
}

function parseLine(pod: string, line: string): readonly LogLine[] | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const { time, level, message, ...fields } = JSON.parse(line) as Record<string, unknown>;
    return [{ pod, time: String(time), level: String(level), message: String(message), fields }];
  } catch {
    // A process that was killed may leave half a line.
    return undefined;
  }
}
