import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { NightliftError, reasonOf } from '../errors.ts';
import { ALL_FACTS, type FactPart, Facts } from '../facts/facts.ts';
import { canAsk } from '../gate/checks.ts';
import { observe } from '../observe/observe.ts';
import { plainJson } from '../plain-text.ts';
import { type Call, EXIT } from './call/command.ts';
import { withSession } from './call/session.ts';

/** Always JSON: it is made for files and programs. */
export async function run(call: Call): Promise<number> {
  return await withSession(call, async ({ deps }) => {
    const facts = await factsForPerson(deps, ALL_FACTS, call.signal);
    call.output.raw(`${plainJson(facts, 2)}\n`);
    return EXIT.done;
  });
}

/** What somebody at a terminal can ask: permissions are those of the Jobs, and the nodes let in who has their key. */
export async function factsForPerson(deps: Deps, parts: readonly FactPart[], signal: AbortSignal): Promise<Facts> {
  return await observe(deps, canAsk(deps.hasNodeKey ? 'person' : 'person without a key', parts), signal);
}

/** A file that `nightlift facts` wrote. @throws NightliftError (usage) that names what does not fit. */
export function readFacts(file: string): Facts {
  const what = file === '-' ? 'standard input' : file;
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new NightliftError('usage', `reading facts from ${what}: ${reasonOf(error)}`, {
      remedy: 'nightlift facts > facts.json',
    });
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new NightliftError('usage', `reading facts from ${what}: this is not JSON: ${reasonOf(error)}`, {
      remedy: 'nightlift facts > facts.json',
    });
  }
  const result = Facts.safeParse(document);
  if (result.success) return result.data;
  throw new NightliftError(
    'usage',
    `reading facts from ${what}: these are not facts of this version:\n${z.prettifyError(result.error)}`,
    {
      remedy: 'Write them again with `nightlift facts` of the same version; docs/facts.schema.json describes them.',
    },
  );
}
