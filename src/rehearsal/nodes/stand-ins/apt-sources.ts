import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from '../machine.ts';

/** What apt was told by -o, and by the files that this points at. */
export interface AptSettings {
  readonly sources: readonly AptSource[];
  /** Directories on the host. */
  readonly lists: string;
  readonly archives: string;
  readonly lockTimeoutMs: number;
  /** -o APT::Update::Error-Mode=any */
  readonly strict: boolean;
}

export interface AptSource {
  /** With a slash at its end. */
  readonly uri: string;
  readonly signedBy: string;
}

/** Takes the -o options out of the arguments. */
export function aptSettings(
  machine: Machine,
  args: readonly string[],
): { settings: AptSettings; words: readonly string[] } {
  const options = new Map<string, string>();
  const words: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const word = args[index] ?? '';
    if (word === '-o') {
      index += 1;
      const [key = '', ...value] = (args[index] ?? '').split('=');
      options.set(key.toLowerCase(), value.join('='));
    } else {
      words.push(word);
    }
  }
  const directory = (key: string, fallback: string): string => machine.path(options.get(key) ?? fallback);
  const list = options.get('dir::etc::sourcelist') ?? '/etc/apt/sources.list';
  const parts = options.get('dir::etc::sourceparts') ?? '/etc/apt/sources.list.d';
  const files = [
    ...(list === '/dev/null' || list === '-' ? [] : [machine.path(list)]),
    ...(parts === '-' || !existsSync(machine.path(parts))
      ? []
      : readdirSync(machine.path(parts))
          .toSorted()
          .map((name) => join(machine.path(parts), name))),
  ];
  return {
    settings: {
      sources: files.filter((file) => existsSync(file)).flatMap((file) => sourcesOf(file)),
      lists: directory('dir::state::lists', '/var/lib/apt/lists'),
      archives: directory('dir::cache::archives', '/var/cache/apt/archives'),
      lockTimeoutMs: Number(options.get('dpkg::lock::timeout') ?? 0) * 1000,
      strict: options.get('apt::update::error-mode') === 'any',
    },
    words,
  };
}

function sourcesOf(file: string): AptSource[] {
  const text = readFileSync(file, 'utf8');
  if (file.endsWith('.sources')) {
    return text.split(/\n\s*\n/).flatMap((stanza) => {
      const uri = /^URIs:\s*(\S+)/im.exec(stanza)?.[1];
      return uri === undefined
        ? []
        : [{ uri: slashed(uri), signedBy: /^Signed-By:\s*(\S+)/im.exec(stanza)?.[1] ?? '' }];
    });
  }
  if (!file.endsWith('.list')) return [];
  return text.split('\n').flatMap((line) => {
    const found = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+\/\s*$/.exec(line.trim());
    if (found?.[2] === undefined) return [];
    return [{ uri: slashed(found[2]), signedBy: /signed-by=(\S+)/i.exec(found[1] ?? '')?.[1] ?? '' }];
  });
}

function slashed(uri: string): string {
  return uri.endsWith('/') ? uri : `${uri}/`;
}

export interface ListedPackage {
  readonly name: string;
  readonly version: string;
  readonly filename: string;
  readonly sha256: string;
  readonly source: AptSource;
}

/** Name of a list in the lists directory. */
export function listName(uri: string): string {
  return `${uri.replace(/^[a-z]+:\/\//, '').replaceAll('/', '_')}Packages`;
}

/** What the lists on disk hold for the sources, newest first. */
export function listedPackages(machine: Machine, settings: AptSettings): readonly ListedPackage[] {
  return settings.sources
    .flatMap((source) => {
      const file = join(settings.lists, listName(source.uri));
      if (!existsSync(file)) return [];
      return readFileSync(file, 'utf8')
        .split(/\n\n+/)
        .map(
          (stanza) =>
            new Map([...stanza.matchAll(/^([\w-]+):\s*(.*)$/gm)].map(([, key = '', value = '']) => [key, value])),
        )
        .filter((fields) => fields.get('Architecture') === machine.architecture)
        .map((fields) => ({
          name: fields.get('Package') ?? '',
          version: fields.get('Version') ?? '',
          filename: fields.get('Filename') ?? '',
          sha256: fields.get('SHA256') ?? '',
          source,
        }));
    })
    .toSorted((a, b) => b.version.localeCompare(a.version, 'en', { numeric: true }));
}
