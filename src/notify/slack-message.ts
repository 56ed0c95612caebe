import { oneLine } from '../plain-text.ts';

/** Limits of Slack's Block Kit: https://docs.slack.dev/reference/block-kit/blocks/section-block and the messages they stand in. */
const BLOCK_TEXT = 3000;
const BLOCKS = 50;

export interface Bold {
  readonly bold: string;
}

/** Text from anywhere, or parts of it of which some are bold. Markup is made here and nowhere else. */
export type Line = string | readonly (string | Bold)[];

/** A part of a message: a block of its own. The first line stays when the lines after it have to be cut. */
export type Section = readonly Line[];

interface SectionBlock {
  readonly type: 'section';
  /** `verbatim`: an address or a name in a text becomes no link. */
  readonly text: { readonly type: 'mrkdwn'; readonly text: string; readonly verbatim: true };
}

export interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly SectionBlock[];
}

export function bold(text: string): Bold {
  return { bold: text };
}

/** Slack has no escape for these: others that look like them take their place where they would begin something. */
const LOOKALIKES: Readonly<Record<string, string>> = { '*': '∗', _: '＿', '~': '∼', ':': '∶', '@': '＠' };

/**
 * The edge to Slack: any text as it stands. What Slack would obey (mentions, links, quotes, emphasis, emoji, line breaks)
 * is shown instead; between a pair of backticks, where our commands stand, it obeys nothing but these.
 * https://docs.slack.dev/messaging/formatting-message-text
 */
function plain(text: string): string {
  const parts = oneLine(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/`{2,}/g, "'")
    .split(/(`[^`]*`)/);
  return parts.map((part, index) => (index % 2 === 1 ? part : withoutEmphasis(part))).join('');
}

function withoutEmphasis(text: string): string {
  return text
    .replaceAll('`', "'")
    .replaceAll(/(?<![\p{L}\p{N}])([*_~])(?=\S.*\1)/gu, lookalike)
    .replaceAll(/:(?=[a-z+_-][\w+'-]*:)/gi, lookalike)
    .replaceAll(/@(?=(?:here|channel|everyone)\b)/gi, lookalike);
}

function lookalike(sign: string): string {
  return LOOKALIKES[sign] ?? sign;
}

function rendered(line: Line): string {
  if (typeof line === 'string') return plain(line);
  return line
    .map((part) => (typeof part === 'string' ? plain(part) : `*${plain(part.bold).replaceAll('*', lookalike)}*`))
    .join('');
}

/** Lays sections out as blocks within Slack's limits; what is left out is counted in the message. `where` says where all of it is. */
export function slackMessage(sections: readonly Section[], where: string): SlackMessage {
  const full = sections.filter((section) => section.length > 0).map((section) => section.map(rendered));
  const kept =
    full.length > BLOCKS
      ? [...full.slice(0, BLOCKS - 1), [`… and ${full.length - BLOCKS + 1} more parts: ${where}`]]
      : full;
  const texts = kept.map((section) => fit(section, where));
  return {
    text: texts.join('\n'),
    blocks: texts.map((text) => ({ type: 'section', text: { type: 'mrkdwn', text, verbatim: true } })),
  };
}

function fit(section: readonly string[], where: string): string {
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
