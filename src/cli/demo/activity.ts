import type { LogLine } from '../../rehearsal/pod-log-lines.ts';

/** A log line as people read it: who is at what, and what is still missing. Undefined for a line that is not for them. */
export function activityOf({ message, fields }: LogLine): string | undefined {
  const { node, phase, missing, from, why, check, job, found } = fields;
  if (typeof from === 'string') return undefined;
  if (
    message === 'notification' ||
    message === 'phase ends' ||
    message === 'check ends' ||
    message.startsWith('skipping ')
  )
    return undefined;
  const who = [node, phase].find((one) => typeof one === 'string');
  const what = [job, found].find((one) => typeof one === 'string');
  const because = typeof missing === 'string' ? missing : typeof check === 'string' ? undefined : why;
  return `${who === undefined ? '' : `${String(who)}: `}${message}${what === undefined ? '' : ` ${String(what)}`}${typeof because === 'string' ? `: ${because}` : ''}`;
}

/** What a program on a node has just said. */
export function nodeOutputOf({ message, fields }: LogLine): string | undefined {
  return typeof fields['from'] === 'string' && message.trim() !== ''
    ? `${fields['from']} ▸ ${message.trim()}`
    : undefined;
}
