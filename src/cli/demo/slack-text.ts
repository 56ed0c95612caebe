import { type Output, paint, wrapped } from '../call/output.ts';

const LEAST_WIDTH = 40;
const MOST_WIDTH = 110;

/** Messages as they stand in a channel: bold is bold, and long lines are broken at words. */
export function printSlack(output: Output, messages: readonly string[]): void {
  const width = Math.max(LEAST_WIDTH, Math.min(MOST_WIDTH, output.columns - 4));
  const bar = paint(output, 'dim', '│');
  output.line();
  output.line(paint(output, 'dim', `╭─ #k8s-upgrades ${'─'.repeat(width - 16)}`));
  for (const [index, message] of messages.entries()) {
    if (index > 0) output.line(bar);
    output.line(`${bar} ${paint(output, 'bold', 'Nightlift')}`);
    for (const line of message.split('\n').flatMap((one) => wrapped(one, width, one.startsWith('• ') ? '  ' : '')))
      output.line(`${bar} ${rendered(output, line)}`.trimEnd());
  }
  output.line(paint(output, 'dim', `╰${'─'.repeat(width)}`));
  output.line();
}

/** Slack's mrkdwn, as far as the messages use it. */
function rendered(output: Output, line: string): string {
  return line
    .replaceAll(/(?<=^|[\s(])\*(?=\S)([^*]*\S)\*(?=$|[\s),.:;])/g, (_all, text: string) => paint(output, 'bold', text))
    .replaceAll(/`([^`]+)`/g, (_all, text: string) => paint(output, 'dim', text))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
