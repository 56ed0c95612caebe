/** Limits of Slack's Block Kit: https://docs.slack.dev/reference/block-kit/blocks/section-block and the messages they stand in. */
const BLOCK_TEXT = 3000;
const BLOCKS = 50;

/** A part of a message: a block of its own. The first line stays when the lines after it have to be cut. */
export type Section = readonly string[];

interface SectionBlock {
  readonly type: 'section';
  readonly text: { readonly type: 'mrkdwn'; readonly text: string };
}

export interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly SectionBlock[];
}

/** Text from outside: Slack reads &, < and > as markup. https://docs.slack.dev/messaging/formatting-message-text */
export function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

export function bold(text: string): string {
  return `*${text}*`;
}

/** Lays sections out as blocks within Slack's limits; what is left out is counted in the message. `where` says where all of it is. */
export function slackMessage(sections: readonly Section[], where: string): SlackMessage {
  const full = sections.filter((section) => section.length > 0);
  const kept =
    full.length > BLOCKS
      ? [...full.slice(0, BLOCKS - 1), [`… and ${full.length - BLOCKS + 1} more parts: ${where}`]]
      : full;
  const texts = kept.map((section) => fit(section, where));
  return {
    text: texts.join('\n'),
    blocks: texts.map((text) => ({ type: 'section', text: { type: 'mrkdwn', text } })),
  };
}

function fit(section: Section, where: string): string {
  const whole = section.join('\n');
  if (whole.length <= BLOCK_TEXT) return whole;
  const kept: string[] = [];
  let length = 0;
  for (const line of section) {
    const short = line.length > BLOCK_TEXT / 2 ? `${cut(line, BLOCK_TEXT / 2)} …` : line;
    // Room for the line that says how many were left out.
    if (length + short.length + 1 > BLOCK_TEXT - where.length - 40) break;
    kept.push(short);
    length += short.length + 1;
  }
  const left = section.length - kept.length;
  return left === 0 ? kept.join('\n') : [...kept, `… and ${left} more: ${where}`].join('\n');
}

/** Cuts without halving a surrogate pair or an entity. */
function cut(text: string, length: number): string {
  return text
    .slice(0, length)
    .replace(/[\uD800-\uDBFF]$/, '')
    .replace(/&[a-z]{0,3}$/, '');
}
