import { createHash, createHmac } from 'node:crypto';
import { NightliftError } from '../errors.ts';

export interface PinnedKey {
  /** ssh-ed25519, ecdsa-sha2-nistp256, ssh-rsa … */
  readonly type: string;
  readonly key: Buffer;
  readonly revoked: boolean;
}

export interface KnownHosts {
  /** Keys pinned for a host under any of its names, at this port. */
  keysFor(names: readonly string[], port: number): readonly PinnedKey[];
}

interface Entry extends PinnedKey {
  readonly matches: (host: string) => boolean;
}

/**
 * OpenSSH's known_hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): lists, wildcards, negation, hashed hosts, [host]:port,
 * and @revoked. @cert-authority is refused: ssh2 does not offer host certificates, so such a line would pin nothing.
 * @throws NightliftError (config) that names the line.
 */
export function parseKnownHosts(text: string): KnownHosts {
  const entries: Entry[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const fail = (problem: string, remedy: string): never => {
      throw new NightliftError('config', `reading line ${index + 1} of the known hosts: ${problem}`, { remedy });
    };
    const fields = line.split(/\s+/);
    const marker = fields[0]?.startsWith('@') ? fields.shift() : undefined;
    if (marker === '@cert-authority') {
      fail('host certificates are not supported', 'Pin the keys of the nodes themselves, one line per node.');
    }
    if (marker !== undefined && marker !== '@revoked') {
      fail(`the marker ${marker} is not known`, 'Only @revoked may stand before a host.');
    }
    const [hosts, type, encoded] = fields;
    const wanted = 'A line reads: address key-type key, as `ssh-keyscan -t ed25519 ADDRESS` prints it.';
    if (hosts === undefined || type === undefined || encoded === undefined)
      return fail('it has too few fields', wanted);
    const key = Buffer.from(encoded, 'base64');
    if (keyType(key) !== type) return fail(`its key is not one of type ${type}`, wanted);
    entries.push({ type, key, revoked: marker === '@revoked', matches: hostMatcher(hosts) });
  }
  return {
    keysFor(names, port) {
      const hosts = names.map((name) => (port === 22 ? name : `[${name}]:${port}`));
      return entries.filter((entry) => hosts.some((host) => entry.matches(host)));
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

function hostMatcher(field: string): (host: string) => boolean {
  const hashed = /^\|1\|([^|]+)\|([^|]+)$/.exec(field);
  if (hashed?.[1] !== undefined && hashed[2] !== undefined) {
    const salt = Buffer.from(hashed[1], 'base64');
    const wanted = hashed[2];
    return (host) => createHmac('sha1', salt).update(host).digest('base64') === wanted;
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
