import { createHash, createHmac } from 'node:crypto';
import ssh2 from 'ssh2';
import { NightliftError } from '../errors.ts';

/** What the file says of a key that a host shows. */
export type KeyJudgement = 'pinned' | 'revoked' | 'changed' | 'unknown';

/** What the file says of one host at one port. */
export interface HostKeys {
  /** Types of which a key is pinned, in OpenSSH's order of preference: the host shows the first that it has. */
  readonly types: readonly string[];
  judge(key: Buffer): KeyJudgement;
  /** Fingerprints of the pinned keys of a type. */
  pinned(type: string | undefined): readonly string[];
  /** Whether an @cert-authority line names the host. It says nothing of a plain key. */
  readonly hasAuthority: boolean;
}

export interface KnownHosts {
  /** Under any of the host's names. */
  keysFor(names: readonly string[], port: number): HostKeys;
  /** Lines that say nothing, each with its number and why. */
  readonly skipped: readonly string[];
}

type Marker = 'pin' | 'revoked' | 'authority';

interface Entry {
  readonly marker: Marker;
  readonly type: string;
  readonly key: Buffer;
  readonly matches: (host: string) => boolean;
}

/** Those that ssh2 can check, as OpenSSH 9.2 orders them (ssh_config(5), HostKeyAlgorithms). */
const TYPES: readonly string[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
];
const MARKERS: ReadonlyMap<string, Marker> = new Map([
  ['@revoked', 'revoked'],
  ['@cert-authority', 'authority'],
]);
const SSH_PORT = 22;

/**
 * OpenSSH's known_hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT), read as ssh reads it; test/components/known-hosts.test.ts
 * asks the real one. A line that is not understood is skipped. Two things are stricter than in ssh, because they take trust
 * away and would be lost without a word: a line of @revoked, or of an unknown marker, that is not understood is an error;
 * and a key that is revoked for a host is so at every port. ssh2 does not offer host certificates: beside an
 * @cert-authority line the key itself has to be pinned. @throws NightliftError (config) that names the line.
 */
export function parseKnownHosts(text: string): KnownHosts {
  const entries: Entry[] = [];
  const skipped: string[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const read = readLine(line);
    if (typeof read !== 'string') entries.push(read);
    else if (!line.startsWith('@') || line.startsWith('@cert-authority')) skipped.push(`${index + 1}: ${read}`);
    else {
      throw new NightliftError('config', `reading line ${index + 1} of the known hosts: ${read}`, {
        remedy:
          'It would take trust away. Mend it, or take it out. It reads: @revoked address key-type key; the other marker is @cert-authority.',
      });
    }
  }
  return {
    skipped,
    keysFor: (names, port) => hostKeys(entries, names, port),
  };
}

/** Or why it cannot be understood. */
function readLine(line: string): Entry | string {
  const fields = line.split(/[ \t]+/);
  const word = fields[0]?.startsWith('@') ? fields.shift() : undefined;
  const marker = word === undefined ? 'pin' : MARKERS.get(word);
  if (marker === undefined) return `the marker ${word} is not known`;
  const [hosts, type, encoded] = fields;
  if (hosts === undefined || type === undefined || encoded === undefined) return 'it has too few fields';
  if (hosts.startsWith('|') && !HASHED.test(hosts)) return 'its hashed name is not of the form |1|salt|hash';
  if (!TYPES.includes(type)) return `the key type ${type} is not known here`;
  const key = Buffer.from(encoded, 'base64');
  // Node reads over signs that base64 does not have, and ssh does not.
  const isWhole =
    /^[A-Za-z0-9+/]+={0,2}$/.test(encoded) && !(ssh2.utils.parseKey(`${type} ${encoded}`) instanceof Error);
  if (!isWhole || keyType(key) !== type) return `its key is not one of type ${type}`;
  return { marker, type, key, matches: hostMatcher(hosts) };
}

function hostKeys(entries: readonly Entry[], names: readonly string[], port: number): HostKeys {
  const bare = entries.filter(({ matches }) => names.some((name) => matches(name)));
  const atPort =
    port === SSH_PORT ? bare : entries.filter(({ matches }) => names.some((name) => matches(`[${name}]:${port}`)));
  const named = [...bare, ...atPort];
  const pinsOf = (some: readonly Entry[]) => some.filter(({ marker }) => marker === 'pin');
  // ssh looks under the name without the port only where it knows no key of that type at the port.
  const pinsFor = (type: string | undefined): readonly Entry[] => {
    const ofType = (some: readonly Entry[]) => pinsOf(some).filter((entry) => entry.type === type);
    return ofType(atPort).length > 0 ? ofType(atPort) : ofType(bare);
  };
  return {
    types: TYPES.filter((type) => pinsFor(type).length > 0),
    hasAuthority: named.some(({ marker }) => marker === 'authority'),
    pinned: (type) => pinsFor(type).map(({ key }) => fingerprint(key)),
    judge(key) {
      if (named.some((entry) => entry.marker === 'revoked' && entry.key.equals(key))) return 'revoked';
      const pins = pinsFor(keyType(key));
      if (pins.some((entry) => entry.key.equals(key))) return 'pinned';
      return pinsOf(named).length > 0 ? 'changed' : 'unknown';
    },
  };
}

/** As OpenSSH prints it: SHA256: and base64 without padding. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The type is the first string in the wire form of a key. */
export function keyType(key: Buffer): string | undefined {
  if (key.length < 4) return undefined;
  const length = key.readUInt32BE(0);
  return length > 64 || key.length < 4 + length ? undefined : key.toString('latin1', 4, 4 + length);
}

/** Salt and HMAC-SHA1, 20 bytes each. */
const HASHED = /^\|1\|([A-Za-z0-9+/]{27}=)\|([A-Za-z0-9+/]{27}=)$/;

function hostMatcher(field: string): (host: string) => boolean {
  const hashed = HASHED.exec(field);
  if (hashed?.[1] !== undefined && hashed[2] !== undefined) {
    const salt = Buffer.from(hashed[1], 'base64');
    const wanted = hashed[2];
    return (host) => createHmac('sha1', salt).update(host.toLowerCase()).digest('base64') === wanted;
  }
  const patterns = field.split(',').map((pattern) => {
    const negated = pattern.startsWith('!');
    return { negated, glob: (negated ? pattern.slice(1) : pattern).toLowerCase() };
  });
  return (host) => {
    const hits = patterns.filter(({ glob }) => matchesGlob(glob, host.toLowerCase()));
    return hits.length > 0 && hits.every(({ negated }) => !negated);
  };
}

/** Going back to the last `*` only: a regexp tries all ways, which takes seconds for a pattern such as *a*a*a*a. */
function matchesGlob(glob: string, text: string): boolean {
  let at = 0;
  let position = 0;
  let star = -1;
  let from = 0;
  while (position < text.length) {
    if (glob[at] === '*') {
      star = at;
      from = position;
      at += 1;
    } else if (at < glob.length && (glob[at] === '?' || glob[at] === text[position])) {
      at += 1;
      position += 1;
    } else if (star >= 0) {
      from += 1;
      position = from;
      at = star + 1;
    } else {
      return false;
    }
  }
  return /^\**$/.test(glob.slice(at));
}
