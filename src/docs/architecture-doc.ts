import { BESIDE, FLOORS } from './floors.ts';
import type { Import } from './import-graph.ts';

const START = '<!-- floors: written by `npm run generate` from src/docs/floors.ts and the imports -->';
const END = '<!-- end of floors -->';

/** `page` with the floors and their picture as they are now. @throws Error when the page has lost the place for them. */
export function architectureDoc(page: string, imports: readonly Import[]): string {
  const [before, rest] = page.split(START);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new Error(`docs/architecture.md has no ${START} … ${END} for the picture of the floors`);
  return `${before}${START}\n\n${tables()}\n\n\`\`\`mermaid\n${picture(imports)}\n\`\`\`\n\n${END}${after}`;
}

/** From the top floor down, as the house stands. */
function tables(): string {
  const rows = FLOORS.toReversed().flatMap(({ number, name, steps }) =>
    steps
      .flat()
      .map((room, index) => `| ${index === 0 ? `${number} ${name}` : ''} | \`src/${room.name}\` | ${room.what} |`),
  );
  const beside = BESIDE.map((room) => `| beside | \`src/${room.name}\` | ${room.what} |`);
  return ['| floor | room | what lives there |', '|---|---|---|', ...rows, ...beside].join('\n');
}

/**
 * Rooms by floor, and an arrow where a room imports another. What a longer way says already is left out, and so is floor
 * 1, which everybody may use: the picture would be black.
 */
function picture(imports: readonly Import[]): string {
  const shown = FLOORS.filter(({ number }) => number > 1).toReversed();
  const rooms = shown.flatMap(({ steps }) => steps.flat().map(({ name }) => name));
  const idOf = (room: string): string => room.replaceAll(/[^a-z]/g, '_');
  const roomOf = (file: string): string | undefined =>
    rooms.find((room) => (room.endsWith('/') ? file.startsWith(`src/${room}`) : file === `src/${room}`));
  const reach = new Map<string, Set<string>>(rooms.map((room) => [room, new Set()]));
  for (const { from, to } of imports) {
    const [above, below] = [roomOf(from), roomOf(to)];
    if (above !== undefined && below !== undefined && above !== below) reach.get(above)?.add(below);
  }
  const leads = (from: string, to: string): boolean =>
    [...(reach.get(from) ?? [])].some((next) => next === to || leads(next, to));
  const arrows = rooms.flatMap((above) =>
    rooms
      .filter((below) => reach.get(above)?.has(below) === true)
      .filter((below) => ![...(reach.get(above) ?? [])].some((between) => between !== below && leads(between, below)))
      .map((below) => `  ${idOf(above)} --> ${idOf(below)}`),
  );
  const floors = shown.flatMap(({ number, name, steps }) => [
    `  subgraph floor${number} ["${number} ${name}"]`,
    ...steps.toReversed().flatMap((step) => step.map((room) => `    ${idOf(room.name)}["${room.name}"]`)),
    '  end',
  ]);
  return ['flowchart TD', ...floors, ...arrows].join('\n');
}
