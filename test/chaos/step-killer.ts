import type { ChildProcess } from 'node:child_process';
import { PHASES } from '../../src/chain/step.ts';
import { phaseOf } from '../../src/phases/phases.ts';
import type { Pod } from '../../src/rehearsal/api/kinds.ts';

/** Kills each Job at each of its steps once: when the step begins, and at the next line that the Job writes. */
export interface StepKiller {
  attach(pod: Pod, child: ChildProcess): void;
  /** Points at which a process was killed, in order. */
  readonly kills: readonly string[];
  /** All points that were passed. */
  readonly points: ReadonlySet<string>;
}

interface Line {
  readonly message: string;
  readonly point: string | undefined;
}

/** `spare`: kills nobody, and only tells the points. */
export function createStepKiller(mode: 'kill' | 'spare'): StepKiller {
  const kills: string[] = [];
  const seen = new Set<string>();
  return {
    kills,
    points: seen,
    attach(pod, child) {
      const job = jobOf(pod);
      const stepOf = stepReader(pod);
      let previous: string | undefined = 'the start';
      let rest = '';
      let isDead = false;
      const meet = (points: readonly string[]): void => {
        const fresh = points.filter((point) => !seen.has(point));
        for (const point of fresh) seen.add(point);
        const [point] = fresh;
        if (isDead || point === undefined || mode === 'spare') return;
        isDead = true;
        kills.push(point);
        child.kill('SIGKILL');
      };
      child.stdout?.on('data', (chunk: string) => {
        const pieces = `${rest}${chunk}`.split('\n');
        rest = pieces.pop() ?? '';
        for (const piece of pieces) {
          if (isDead) return;
          const { message, point } = stepOf(piece);
          const after = previous === undefined ? [] : [`${job}: after ${previous}`];
          previous = point ?? (isSmallJob(pod) ? message : undefined);
          meet([...(point === undefined ? [] : [`${job}: at ${point}`]), ...after]);
        }
      });
    },
  };
}

/** Detection and report have no steps: they are killed at each of their lines. */
function isSmallJob({ metadata }: Pod): boolean {
  return metadata.labels?.['phase'] === undefined;
}

function jobOf({ metadata }: Pod): string {
  const name = metadata.labels?.['batch.kubernetes.io/job-name'] ?? metadata.name;
  // Each night's detection has a name of its own.
  return name.replace(/^(k8s-version-check|k8s-upgrade-nightly-report).*/, '$1');
}

function stepReader({ metadata }: Pod): (text: string) => Line {
  const phase = PHASES.find((name) => name === metadata.labels?.['phase']);
  const beginnings = new Map(
    phase === undefined ? [] : phaseOf(phase).steps.map(({ name, summary }) => [`${name}: ${summary}`, name]),
  );
  const counts = new Map<string, number>();
  return (text) => {
    const message = messageOf(text);
    const name = beginnings.get(message);
    if (name === undefined) return { message, point: undefined };
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return { message, point: count === 1 ? name : `${name} (${count})` };
  };
}

function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return String(message);
  } catch {
    return text;
  }
}
