/** '5 h 3 min', '2 d 4 h', '40 s': the two largest units, as people say it. Negative counts as 0. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** '5 min ago'; what is not a time, which anybody can write into an annotation, is said to be none. */
export function timeAgo(moment: string, now: Date): string {
  const ms = now.getTime() - Date.parse(moment);
  return Number.isNaN(ms) ? `at '${moment}', which is not a time` : `${formatDuration(ms)} ago`;
}
