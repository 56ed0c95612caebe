import { join } from 'node:path';
import { importGraph } from './import-graph.ts';
import { brokenWalls } from './walls.ts';

const graph = await importGraph(join(import.meta.dirname, '../..'));
const broken = brokenWalls(graph);
for (const wall of broken) process.stdout.write(`${wall}\n`);
if (broken.length > 0) process.stdout.write('docs/architecture.md has the floors.\n');
process.exitCode = broken.length === 0 ? 0 : 1;
