import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generateSshKey } from '../rehearsal/nodes/ssh-key.ts';
import { fingerprint, parseKnownHosts } from './known-hosts.ts';

const key = generateSshKey().public.split(' ').slice(0, 2).join(' ');

function found(text: string, names: readonly string[], port = 22): number {
  const known = parseKnownHosts(text).keysFor(names, port);
  return known.types.flatMap((type) => known.pinned(type)).length;
}

describe('parseKnownHosts', () => {
  it.each([
    ['10.0.0.1', ['10.0.0.1'], 22, 1],
    ['node-1,10.0.0.1', ['10.0.0.1', 'node-1'], 22, 1],
    ['10.0.0.1', ['10.0.0.2'], 22, 0],
    ['10.0.0.1', ['10.0.0.1'], 2222, 1],
    ['[10.0.0.1]:2222', ['10.0.0.1'], 22, 0],
    ['[10.0.0.1]:2222', ['10.0.0.1'], 2222, 1],
    ['10.0.0.*', ['10.0.0.7'], 22, 1],
    ['10.0.0.*,!10.0.0.7', ['10.0.0.7'], 22, 0],
    ['10.0.0.?', ['10.0.0.77'], 22, 0],
    ['Node-1.Example', ['node-1.example'], 22, 1],
  ])('%s stands for %j at port %i: %i keys', (hosts, names, port, count) => {
    expect(found(`# a comment\n\n${hosts} ${key} who@where\n`, names, port)).toBe(count);
  });

  it('finds hosts that ssh-keygen has hashed, and shows fingerprints as it does', (context) => {
    const directory = mkdtempSync(join(tmpdir(), 'nightlift-known-hosts-'));
    const file = join(directory, 'known_hosts');
    writeFileSync(file, `10.0.0.1 ${key}\n[10.0.0.2]:2222 ${key}\n`);
    try {
      execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'ignore' });
    } catch {
      context.skip('ssh-keygen is not installed');
    }
    const hashed = readFileSync(file, 'utf8');
    expect(hashed).toContain('|1|');
    expect(found(hashed, ['10.0.0.1'])).toBe(1);
    expect(found(hashed, ['10.0.0.2'], 2222)).toBe(1);
    expect(found(hashed, ['10.0.0.3'])).toBe(0);
    const shown = execFileSync('ssh-keygen', ['-lf', '-'], { input: `10.0.0.1 ${key}\n`, encoding: 'utf8' });
    expect(shown).toContain(fingerprint(Buffer.from(key.split(' ')[1] ?? '', 'base64')));
  });

  it.each([
    [`@something 10.0.0.1 ${key}`, 'the marker @something is not known'],
    [`@Revoked 10.0.0.1 ${key}`, 'the marker @Revoked is not known'],
    ['@revoked 10.0.0.1 ssh-ed25519', 'it has too few fields'],
    ['@revoked 10.0.0.1 ssh-ed25519 AAAA', 'its key is not one of type ssh-ed25519'],
    ['@revoked 10.0.0.1 ssh-dss AAAA', 'the key type ssh-dss is not known here'],
  ])('refuses %s, which would take trust away', (line, problem) => {
    expect(() => parseKnownHosts(`\n${line}\n`)).toThrow(`reading line 2 of the known hosts: ${problem}`);
  });

  it.each([
    ['10.0.0.1 ssh-ed25519', 'it has too few fields'],
    ['10.0.0.1 ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAA', 'its key is not one of type ssh-rsa'],
    [`10.0.0.1 ${key.slice(0, -8)}`, 'its key is not one of type ssh-ed25519'],
    [`10.0.0.1 ${key}!`, 'its key is not one of type ssh-ed25519'],
    [`|1|short|hash ${key}`, 'its hashed name is not of the form |1|salt|hash'],
    ['10.0.0.1 ssh-mldsa-44 AAAA', 'the key type ssh-mldsa-44 is not known here'],
    ['@cert-authority *', 'it has too few fields'],
  ])('skips %s and says so, and the line after it counts', (line, problem) => {
    const { skipped, keysFor } = parseKnownHosts(`# a\n${line}\n10.0.0.1 ${key}\n`);
    expect(skipped).toEqual([`2: ${problem}`]);
    expect(keysFor(['10.0.0.1'], 22).types).toEqual(['ssh-ed25519']);
  });

  it('tells what it says of a key', () => {
    const bytes = Buffer.from(key.split(' ')[1] ?? '', 'base64');
    const other = generateSshKey().public.split(' ').slice(0, 2).join(' ');
    const judged = (text: string) => parseKnownHosts(text).keysFor(['10.0.0.1'], 22).judge(bytes);
    expect(judged(`10.0.0.1 ${key}`)).toBe('pinned');
    expect(judged(`10.0.0.1 ${other}`)).toBe('changed');
    expect(judged(`10.0.0.2 ${key}`)).toBe('unknown');
    expect(judged(`@revoked * ${key}\n10.0.0.1 ${key}`)).toBe('revoked');
  });
});
