import { parseDocument } from 'yaml';
import { reasonOf } from './errors.ts';

/** Warnings of the parser would stand on stderr between our own lines. */
export const QUIET = { logLevel: 'silent' } as const;

/** One YAML document as plain values, or what is wrong with it. An alias to nothing is seen only when the values are made. */
export function readYaml(text: string): { readonly content?: unknown; readonly problem?: string } {
  const document = parseDocument(text, { ...QUIET, prettyErrors: true });
  const [problem] = document.errors;
  if (problem !== undefined) return { problem: problem.message.trim() };
  try {
    return { content: document.toJS() as unknown };
  } catch (error) {
    return { problem: reasonOf(error) };
  }
}
