import { BESIDE, FLOORS, type Room } from './floors.ts';
import type { Import, ImportGraph } from './import-graph.ts';

/** Where a room stands: `level` counts the steps of all floors from the ground up. */
interface Place {
  readonly room: Room;
  readonly floor: number;
  readonly level: number;
}

const PLACES: readonly Place[] = FLOORS.flatMap(({ number, steps }) =>
  steps.map((rooms) => ({ floor: number, rooms })),
).flatMap(({ floor, rooms }, level) => rooms.map((room) => ({ room, floor, level })));

/** 'src/steps/drain/drain.ts' → 'steps/drain/drain.ts'. */
function inside(file: string): string {
  return file.replace(/^src\//, '');
}

function isIn(file: string, room: string): boolean {
  return room.endsWith('/') ? inside(file).startsWith(room) : inside(file) === room;
}

function placeOf(file: string): Place | undefined {
  return PLACES.find(({ room }) => isIn(file, room.name));
}

/** Every wall that the imports break, each as a sentence that says where the code should go. Pure; empty for a sound house. */
export function brokenWalls({ imports, circles }: ImportGraph): readonly string[] {
  const broken = imports.flatMap((one) => {
    const sentence = brokenBy(one);
    return sentence === undefined ? [] : [{ ...one, sentence }];
  });
  // An arrow that runs up makes rings as well: those that it explains are not told beside it.
  const isExplained = (from: string, to: string): boolean =>
    broken.some((one) => roomFor(one.from) === roomFor(from) && roomFor(one.to) === roomFor(to));
  const rings = circles.filter(
    (files) => !files.some((file, index) => isExplained(file, files[(index + 1) % files.length] ?? '')),
  );
  const folders = folderCircles(imports).filter(
    (ring) => !broken.some(({ from, to }) => [from, to].every((file) => ring.some((one) => file.startsWith(one)))),
  );
  return [
    ...new Set(broken.map(({ sentence }) => sentence)),
    ...rings.map(
      (files) =>
        `${[...files, files[0] ?? ''].join(' → ')} import each other in a ring. Put what two of them share into a file that imports neither.`,
    ),
    ...folders.map(
      (ring) =>
        `the folders ${ring.join(', ')} import each other in a ring. Put what two of them share into a folder of its own, below them.`,
    ),
  ];
}

function roomFor(file: string): string {
  return placeOf(file)?.room.name ?? file;
}

function brokenBy({ from, to }: Import): string | undefined {
  const importing = BESIDE.find(({ name }) => isIn(from, name));
  const imported = BESIDE.find(({ name }) => isIn(to, name));
  if (importing !== undefined && importing === imported) return undefined;
  if (imported !== undefined) {
    const may = [...imported.from, ...BESIDE.filter(({ imports }) => imports === 'all').map(({ name }) => name)];
    if (may.some((room) => isIn(from, room))) return undefined;
    return `${from} imports ${to}, and only ${imported.from.map((room) => `src/${room}`).join(', ')} may import src/${imported.name} (${imported.what}). Move what is needed of it to the floors.`;
  }
  if (importing !== undefined) {
    if (importing.imports === 'all' || importing.imports.some((room) => isIn(to, room))) return undefined;
    return `${from} imports ${to}, and src/${importing.name} may import ${importing.imports.map((room) => `src/${room}`).join(', ')} only.`;
  }
  return brokenByFloors({ from, to });
}

function brokenByFloors({ from, to }: Import): string | undefined {
  if (isExample(to) && !isExample(from)) return `${from} imports ${to}, which is an example for tests.`;
  const [above, below] = [placeOf(from), placeOf(to)];
  const homeless = above === undefined ? from : below === undefined ? to : undefined;
  if (above === undefined || below === undefined)
    return `${homeless} stands on no floor. Put it into a folder of src/docs/floors.ts, or give it a room there.`;
  if (above.room === below.room || below.level < above.level) return undefined;
  const how =
    below.floor > above.floor
      ? `up, from floor ${above.floor} to floor ${below.floor}`
      : below.level > above.level
        ? `up within floor ${above.floor}`
        : `sideways on floor ${above.floor}`;
  return `${from} imports ${to}: that is ${how}. What both need belongs below src/${above.room.name}: ${roomsBelow(above.level)}; or src/${above.room.name} is given it by its caller.`;
}

/** What tests start from. */
function isExample(file: string): boolean {
  return /\/example-[\w-]+\.ts$/.test(file);
}

/** The nearest rooms that code can move down to. */
function roomsBelow(level: number): string {
  const near = PLACES.filter((place) => place.level < level).toSorted((a, b) => b.level - a.level);
  const names = near.slice(0, 6).map(({ room }) => `src/${room.name}`);
  return names.length === 0 ? 'nothing stands below it' : names.join(', ');
}

/**
 * Rings of folders, whatever their files do. A file that lies beside folders is a room of its own, as the files of src/
 * are: a table of commands may stand above the folder of one of them.
 */
function folderCircles(imports: readonly Import[]): readonly (readonly string[])[] {
  const folders = new Set(imports.flatMap(({ from, to }) => [folderOf(from), folderOf(to)]));
  const hasFolders = (folder: string): boolean => [...folders].some((other) => other.startsWith(`${folder}/`));
  const roomOf = (file: string): string => (hasFolders(folderOf(file)) ? file : folderOf(file));
  const reach = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    if (roomOf(from) === roomOf(to)) continue;
    reach.set(roomOf(from), (reach.get(roomOf(from)) ?? new Set()).add(roomOf(to)));
  }
  const reached = new Map([...reach.keys()].map((room) => [room, closure(room, reach)]));
  const rings = new Map<string, readonly string[]>();
  for (const [room, all] of reached) {
    const ring = [...all].filter((other) => reached.get(other)?.has(room) === true).toSorted();
    // Rings of files alone have been told already.
    if (ring.some((one) => !one.endsWith('.ts'))) rings.set(ring.join(' '), ring);
  }
  return [...rings.values()];
}

function folderOf(file: string): string {
  return file.slice(0, file.lastIndexOf('/'));
}

/** Every room that can be come to from one, itself only over a ring. */
function closure(room: string, reach: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> {
  const seen = new Set<string>();
  const open = [...(reach.get(room) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    open.push(...(reach.get(next) ?? []));
  }
  return seen;
}
