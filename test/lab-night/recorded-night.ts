import type { SavedLine, SavedNight } from './saved-night.ts';

/** docs/recorded-night.md: a whole night as the pods logged it and as Slack got it. */
export function recordedNight(night: SavedNight, title: string, summary: string): string {
  const began = night.lines[0]?.time ?? 0;
  const own = night.lines.filter(isOwn);
  return `# A recorded night

Generated from its own log by \`npm run test:lab\`; not written by hand.

${title.charAt(0).toUpperCase()}${title.slice(1)}. ${night.nodes} nodes on a real kubeadm cluster, ${summary}.
The waits are those of the tests: nobody sleeps meanwhile.

## What Slack got

${night.slack.map((text) => fenced(text)).join('\n')}
## What the pods logged

Minutes and seconds since the start, the phase, the node that the line is about. ${night.lines.length - own.length} lines that apt and
kubeadm printed on the nodes are left out.

${fenced(own.map((line) => asText(line, began)).join('\n'))}`;
}

const readmeSection = /^## A real night\n[^]*?(?=^## )/m;

/** The README with its section of that name written anew: where each phase began, and the headlines that Slack got. */
export function withRecordedNight(readme: string, night: SavedNight, summary: string): string {
  const began = night.lines[0]?.time ?? 0;
  const phases = night.lines.filter(({ message }) => message.startsWith('phase starts: '));
  const headlines = night.slack.map((text) => `Slack: ${text.split('\n').slice(0, 2).join('  ')}`);
  const lines = [...phases.map((line) => asText(line, began).replace('phase starts: ', '')), ...headlines];
  const section = `## A real night

Three control planes and a worker on real kubeadm, ${summary}. Generated; [its log](docs/recorded-night.md):

${fenced(lines.join('\n'))}
`;
  return readme.replace(readmeSection, () => section);
}

function fenced(text: string): string {
  return `\`\`\`text\n${text.trimEnd()}\n\`\`\`\n`;
}

const told = ['time', 'level', 'message', 'phase', 'node', 'from', 'target'];

/** Not what apt and kubeadm print on a node: Nightlift's own lines, and those of its scripts. */
function isOwn({ fields, message }: SavedLine): boolean {
  return fields['from'] === undefined || message.startsWith('nightlift: ');
}

function asText({ time, phase, node, message, fields }: SavedLine, began: number): string {
  const seconds = Math.max(0, Math.floor((time - began) / 1000));
  const clock = `${pad(Math.floor(seconds / 60))}:${pad(seconds % 60)}`;
  const level =
    typeof fields['level'] === 'string' && fields['level'] !== 'info' ? `${fields['level'].toUpperCase()} ` : '';
  const rest = Object.entries(fields)
    .filter(([key]) => !told.includes(key))
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const where = `${phase.padEnd(10)} ${node.padEnd(4)}`;
  return `${clock} ${where} ${level}${message}${rest.join('')}`.trimEnd();
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
