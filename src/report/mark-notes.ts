import type { Facts } from '../facts/facts.ts';
import { marksOf } from '../facts/nodes.ts';
import { bold, type Section } from '../notify/slack-message.ts';
import { someOf } from '../some-of.ts';

const MOST_NODES = 10;

/** What of drain.markPending is on nodes; nothing while a chain is at work, which takes it away itself. */
export function markNotes({ nodes, chainJobs }: Pick<Facts, 'nodes' | 'chainJobs'>): Section {
  const isAtWork = chainJobs.known && chainJobs.value.some(({ status }) => status === 'active');
  if (!nodes.known || isAtWork) return [];
  const left = nodes.value.flatMap((node) => {
    const marks = marksOf(node);
    return marks.length === 0 ? [] : [`${node.name} (${marks.join(', ')})`];
  });
  if (left.length === 0) return [];
  return [[bold('Marked by a run that did not end, until the next one:')], `• ${someOf(left, MOST_NODES)}`];
}
