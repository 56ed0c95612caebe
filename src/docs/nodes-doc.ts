import { fieldsOf, type SchemaField, type SchemaNode } from './schema-field.ts';

const HEAD = `# What a node is asked

<!-- Written by \`npm run generate\` from src/facts/node-survey.ts: edit that, not this. -->

Before anything is changed, every node that is to be upgraded is asked what it is: in the detection when there is a version to go to, in
preflight, and for \`nightlift facts\`, \`gate\` and \`plan\`. One script does it (\`templates/node/survey.sh\` and its parts), as root, over one
connection, twenty nodes at a time (\`nodes.askAtOnce\`). It reads and changes nothing. It first proves that it is on that node, as every script
does. A night without a new version asks one control plane for the versions of its package source, and no node for this.

What comes back is part of the facts (\`surveys\`, [schema](facts.schema.json)): known with its value, or unknown with the reason. A node that
cannot be reached, lets nobody in, does not make us root, answers half or what nobody can read, is unknown, and the upgrade is refused with its
name; nothing is taken for granted in its place. What is asked of the answers is in [gates.md](gates.md). Passwords in addresses are left out
on the node already; manifests and the kubelet's config file come whole, and only what stands below is kept of them.

A node whose answer is not there in two minutes is ended on both sides. An answer is some kilobytes, at most half a megabyte is read.

Left out are nodes that are not upgraded at all (Windows, virtual kubelets, kubelets of other distributions, \`nodes.exclude\`), and those that an
interrupted run has left half-way and not Ready: to bring these back is what their own Job is for.

`;

/** docs/nodes.md: what is asked of a node and why, a section for each part of the survey. */
export function nodesDoc(schema: SchemaNode): string {
  const fields = fieldsOf(schema);
  const parts = fields.filter(({ key }) => !/[.[]/.test(key));
  const under = ({ key }: SchemaField): readonly SchemaField[] =>
    fields.filter((field) => field.key.startsWith(`${key}.`) || field.key.startsWith(`${key}[].`));
  const rows = parts.map((part) => {
    const { key, node } = part;
    const name = under(part).length === 0 ? `\`${key}\`` : `[\`${key}\`](#${key.toLowerCase()})`;
    return `| ${name} | ${cell(node.description)} | ${cell(node.reason)} |`;
  });
  const sections = parts.flatMap((part) => (under(part).length === 0 ? [] : section(part, under(part))));
  const table = ['| | what | why |', '|---|---|---|', ...rows, ''];
  return `${HEAD}${[...table, ...sections].join('\n')}`;
}

function section(part: SchemaField, under: readonly SchemaField[]): readonly string[] {
  const lines = under.map(({ key, node }) => {
    const said = node.description === undefined ? '' : `: ${node.description}`;
    return `- \`${key.slice(part.key.length).replace(/^(\[\])?\./, '')}\`${said}`;
  });
  return [`## ${part.key}`, '', `${sentence(part.node.description)} ${part.node.reason ?? ''}`, '', ...lines, ''];
}

const cell = (text: string | undefined): string => (text ?? '').replaceAll('|', '\\|');
const sentence = (text = ''): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
