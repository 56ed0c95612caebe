const MOST_NAMED = 10;

/** As much of a long list as a person reads, and how many more there are. */
export function someOf(texts: readonly string[], most = MOST_NAMED, between = ', '): string {
  const more = texts.length - most;
  const shown = texts.slice(0, most).join(between);
  if (more <= 0) return shown;
  return `${shown}${between === ', ' ? '' : between.trimEnd()} and ${more.toLocaleString('en')} more`;
}
