import type { Scene } from './scene.ts';

/** What the operator reads in the pods' logs. */
export function saidSince(scene: Scene, since: number): string {
  const told = ['error', 'reason', 'missing', 'remedy'] as const;
  return scene.logs
    .lines()
    .filter((line) => line.time >= since)
    .map(({ message, fields }) => [message, ...told.map((name) => fields[name])].filter(Boolean).join(' | '))
    .join('\n');
}
