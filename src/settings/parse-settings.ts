import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { NightliftError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { Settings } from './settings.ts';

/** A settings file as text. @throws NightliftError (config) that names `what`, key and the nearest known key. */
export function parseSettings(text: string, what: string): Settings {
  const document = parseDocument(text, { prettyErrors: true });
  const problem = document.errors[0];
  if (problem !== undefined) {
    throw new NightliftError('config', `reading the settings in ${what}: this is not YAML: ${problem.message.trim()}`, {
      remedy: 'Mend the file; docs/configuration.md has an example of every key.',
    });
  }
  const result = Settings.safeParse(document.toJS() ?? {});
  if (result.success) return result.data;
  throw new NightliftError(
    'config',
    `reading the settings in ${what}:\n${result.error.issues.map((issue) => `  - ${describeIssue(issue)}`).join('\n')}`,
    {
      remedy: 'Mend these keys; docs/configuration.md lists all of them with unit and default.',
    },
  );
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const at = issue.path.map(String).join('.');
  if (issue.code !== 'unrecognized_keys') return `${at === '' ? 'the file' : at}: ${issue.message}`;
  const siblings = keysAt(issue.path);
  return issue.keys
    .map((key) => {
      const close = nearest(key, siblings);
      const full = at === '' ? key : `${at}.${key}`;
      return `${full}: no such key${close === undefined ? '.' : `; did you mean "${close}"?`} Known here: ${siblings.join(', ')}`;
    })
    .join('\n  - ');
}

/** The keys that the schema knows at a path, by asking the defaults: every group has one. */
function keysAt(path: readonly PropertyKey[]): readonly string[] {
  let at: unknown = Settings.parse({
    window: { start: '23:00', end: '05:00' },
    quiesce: [{ namespace: 'n', name: 'n' }],
    drain: { policies: [{ namespace: 'n', action: 'wait' }] },
  });
  for (const part of path)
    at =
      typeof at === 'object' && at !== null
        ? Object.values({ at: (at as Record<PropertyKey, unknown>)[typeof part === 'number' ? 0 : part] })[0]
        : undefined;
  return typeof at === 'object' && at !== null ? Object.keys(at) : [];
}
