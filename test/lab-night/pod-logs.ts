import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Lab } from '../lab/lab-state.ts';

const JsonLine = z.looseObject({ time: z.iso.datetime(), level: z.string(), message: z.string() });

export interface LogLine {
  readonly pod: string;
  /** The node on which the pod runs. */
  readonly runner: string;
  readonly time: number;
  readonly message: string;
  readonly phase: string;
  /** The node that the phase is about, or that the line came from. */
  readonly node: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly raw: string;
}

export interface PodLogs {
  lines(): readonly LogLine[];
  /** The first line for which this holds, also of those that were there before. */
  waitFor(what: string, holds: (line: LogLine) => boolean, timeoutMs?: number): Promise<LogLine>;
  stop(): Promise<void>;
}

const POLL_MS = 250;

/**
 * The logs of the product's pods, read from the nodes' own file systems: a drain takes finished pods along, and the API
 * server is away in the middle of every upgrade of a single control plane.
 */
export function watchPodLogs(lab: Lab): PodLogs {
  const seen = new Map<string, number>();
  const all: LogLine[] = [];
  let going = true;
  const loop = (async () => {
    while (going) {
      for (const node of lab.nodes) readNew(path.join(lab.dir, 'nodes', node.name, 'root'), node.name, seen, all);
      await sleep(POLL_MS);
    }
  })();
  return {
    lines: () => all,
    async waitFor(what, holds, timeoutMs = 15 * 60_000) {
      const deadline = Date.now() + timeoutMs;
      for (let next = 0; going && Date.now() < deadline; ) {
        for (; next < all.length; next++) {
          const line = all[next];
          if (line !== undefined && holds(line)) return line;
        }
        await sleep(50);
      }
      throw new Error(`waiting in the logs for ${what}: it did not come`);
    },
    async stop() {
      going = false;
      await loop;
    },
  };
}

function readNew(root: string, runner: string, seen: Map<string, number>, into: LogLine[]): void {
  const pods = path.join(root, 'var/log/pods');
  for (const entry of list(pods).filter((name) => name.startsWith('k8s-upgrade_'))) {
    const pod = entry.split('_')[1] ?? '';
    for (const name of list(path.join(pods, entry, 'nightlift'))) {
      const file = path.join(pods, entry, 'nightlift', name);
      try {
        const from = seen.get(file) ?? 0;
        if (statSync(file).size <= from) continue;
        const bytes = readFileSync(file);
        const end = bytes.lastIndexOf(10) + 1;
        if (end <= from) continue;
        seen.set(file, end);
        for (const line of bytes.subarray(from, end).toString('utf8').split('\n')) {
          if (line !== '') into.push(parseLine(line, pod, runner));
        }
      } catch {
        // The pod was removed between the look and the read.
      }
    }
  }
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** `<time> stdout F <text>`, as every container runtime of Kubernetes writes it. */
function parseLine(line: string, pod: string, runner: string): LogLine {
  const [stamp = '', , , ...rest] = line.split(' ');
  const raw = rest.join(' ');
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  try {
    const json = JsonLine.parse(JSON.parse(raw));
    const node = text(json['from']) || text(json['node']);
    return {
      pod,
      runner,
      time: Date.parse(json.time),
      message: json.message,
      phase: text(json['phase']),
      node,
      fields: json,
      raw,
    };
  } catch {
    return { pod, runner, time: Date.parse(stamp), message: raw, phase: '', node: '', fields: {}, raw };
  }
}
