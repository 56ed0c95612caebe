import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { COMMANDS } from '../cli/commands.ts';
import { Facts } from '../facts/facts.ts';
import { NodeSurvey } from '../facts/node-survey.ts';
import { Settings } from '../settings/settings.ts';
import { architectureDoc } from './architecture-doc.ts';
import { cliDoc } from './cli-doc.ts';
import { configurationDoc } from './configuration-doc.ts';
import { type Explanations, explanationsOf } from './explanations-doc.ts';
import { importGraph } from './import-graph.ts';
import { nodesDoc } from './nodes-doc.ts';
import { phasesDoc } from './phases-doc.ts';
import type { SchemaNode } from './schema-field.ts';

export interface GeneratedDocument {
  /** Relative to the root of the project. */
  readonly path: string;
  readonly text: string;
}

/** What a person writes, so a key with a default may be left out. */
export function settingsSchema(): SchemaNode {
  return z.toJSONSchema(Settings, { io: 'input' }) as SchemaNode;
}

/** Everything in docs/ that follows from the code. `root` is that of the project. */
export async function generatedDocuments(root: string): Promise<readonly GeneratedDocument[]> {
  const { imports } = await importGraph(root);
  const architecture = 'docs/architecture.md';
  return [
    { path: architecture, text: architectureDoc(readFileSync(join(root, architecture), 'utf8'), imports) },
    { path: 'docs/configuration.md', text: configurationDoc(settingsSchema()) },
    { path: 'docs/configuration.schema.json', text: json('Settings of Nightlift', settingsSchema()) },
    {
      path: 'docs/facts.schema.json',
      text: json('Facts: what `nightlift facts` writes', z.toJSONSchema(Facts, { io: 'output' })),
    },
    { path: 'docs/cli.md', text: cliDoc(COMMANDS) },
    { path: 'docs/nodes.md', text: nodesDoc(z.toJSONSchema(NodeSurvey, { io: 'output' }) as SchemaNode) },
    { path: 'docs/phases.md', text: phasesDoc() },
    { path: 'src/cli/explanations.json', text: `${JSON.stringify(explanations(root), null, 2)}\n` },
  ];
}

function explanations(root: string): Explanations {
  const gate = join(root, 'src/gate');
  const files = readdirSync(gate).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  return explanationsOf(
    readFileSync(join(root, 'docs/messages.md'), 'utf8'),
    readFileSync(join(root, 'docs/gates.md'), 'utf8'),
    new Map(files.map((name) => [name, readFileSync(join(gate, name), 'utf8')])),
  );
}

function json(title: string, schema: object): string {
  return `${JSON.stringify({ title, ...schema }, null, 2)}\n`;
}
