import type { LogLine } from '../../rehearsal/pod-log-lines.ts';

/** What other lines say better, or what says nothing without the fields that are left out here. */
const NOT_FOR_PEOPLE = new Set(['notification', 'phase ends', 'check ends', 'limits']);

/** A log line as people read it: who is at what, and what is still missing. Undefined for a line that is not for them. */
export function activityOf({ message, fields }: LogLine): string | undefined {
  const { node, phase, missing, from, why, check, job, found } = fields;
  if (typeof from === 'string') return undefined;
  if (NOT_FOR_PEOPLE.has(message) || message.startsWith('skipping ')) return undefined;
  const who = [node, phase].find((one) => typeof one === 'string');
  const what = [job, found].find((one) => typeof one === 'string');
  const because = typeof missing === 'string' ? missing : typeof check === 'string' ? undefined : why;
  return `${who === undefined ? '' : `${String(who)}: `}${message}${what === undefined ? '' : ` ${String(what)}`}${typeof because === 'string' ? `: ${because}` : ''}`;
}

/** What a Job came to that is complete and led to no other, by its own last word: 'refused', 'paused'. */
export function endedAs(lines: readonly LogLine[], job: string): string | undefined {
  const isOfJob = (pod: string): boolean => pod.startsWith(`${job}-`) && pod.length === job.length + 6;
  const last = lines.findLast(({ message, pod }) => ENDS.has(message) && isOfJob(pod))?.fields['outcome'];
  return last === 'refused' || last === 'paused' || last === 'unknown' ? last : undefined;
}

const ENDS = new Set(['phase ends', 'check ends']);

/** What a program on a node has just said. */
export function nodeOutputOf({ message, fields }: LogLine): string | undefined {
  return typeof fields['from'] === 'string' && message.trim() !== ''
    ? `${fields['from']} ▸ ${message.trim()}`
    : undefined;
}
