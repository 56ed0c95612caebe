import { basename } from 'node:path';

/** What `nightlift explain` knows: the rows of docs/messages.md by reason, the chapters of docs/gates.md by check. */
export interface Explanations {
  readonly reasons: Readonly<Record<string, readonly Explanation[]>>;
  readonly checks: Readonly<Record<string, string>>;
}

interface Explanation {
  /** The heading of docs/messages.md: one word can stand for several things. */
  readonly of: string;
  readonly means: string;
  readonly todo: string;
  /** Checks of the gate that say it. */
  readonly checks: readonly string[];
}

/** `sources`: src/gate by path. Pure. */
export function explanationsOf(messages: string, gates: string, sources: ReadonlyMap<string, string>): Explanations {
  const checks = Object.fromEntries(
    gates
      .split(/^## /m)
      .slice(1)
      .map((chapter): [string, string] => {
        const [name = '', ...lines] = chapter.split('\n');
        return [name, lines.join('\n').trim()];
      }),
  );
  const saidBy = (reason: string): readonly string[] =>
    [...sources]
      .filter(([, text]) => text.includes(`'${reason}'`))
      .map(([path]) => basename(path, '.ts'))
      .filter((name) => name in checks)
      .toSorted();
  const reasons = new Map<string, Explanation[]>();
  let heading = '';
  for (const line of messages.split('\n')) {
    heading = /^###? (.*)/.exec(line)?.[1] ?? heading;
    const [, names = '', means = '', todo = ''] = /^\| ((?:`[A-Z]\w+` ?)+) \| (.*) \| (.*) \|$/.exec(line) ?? [];
    for (const [, reason = ''] of names.matchAll(/`(\w+)`/g))
      reasons.set(reason, [...(reasons.get(reason) ?? []), { of: heading, means, todo, checks: saidBy(reason) }]);
  }
  return { reasons: Object.fromEntries([...reasons].toSorted(([a], [b]) => a.localeCompare(b, 'en'))), checks };
}
