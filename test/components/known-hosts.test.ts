import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseKnownHosts } from '../../src/node/known-hosts.ts';
import { connectToNode } from '../../src/node/ssh-connection.ts';
import { generateSshKey } from '../../src/rehearsal/nodes/ssh-key.ts';
import { freePort, installed } from './component-process.ts';

/** Debian keeps it where only root's PATH leads. */
const SSHD = installed('sshd') ?? '/usr/sbin/sshd';
const missing = ['ssh', 'ssh-keygen', SSHD].filter((name) => spawnSync(name, ['-V']).error !== undefined);
const whyNot =
  missing.length === 0
    ? ''
    : ` (not tried: ${missing.join(', ')} not installed; Debian: apt-get install openssh-server)`;

const TYPES = ['ed25519', 'ecdsa', 'rsa'] as const;
const KEYS = [...TYPES, 'other', 'authority'] as const;
let directory = '';
const keys = new Map<string, string>();
/** `type base64` of one of the keys. */
const key = (name: (typeof KEYS)[number]): string => keys.get(name) ?? '';

beforeAll(() => {
  if (whyNot !== '') return;
  directory = mkdtempSync(join(tmpdir(), 'nightlift-sshd-'));
  for (const name of KEYS) {
    const type = TYPES.find((one) => one === name) ?? 'ed25519';
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', join(directory, name)]);
    keys.set(
      name,
      readFileSync(join(directory, `${name}.pub`), 'utf8')
        .split(' ')
        .slice(0, 2)
        .join(' '),
    );
  }
  // As root, sshd wants the folder of its unprivileged half.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
});
afterAll(() => {
  if (directory !== '') rmSync(directory, { recursive: true });
});

interface Case {
  readonly title: string;
  /** `{ed25519}` and its like stand for the keys. */
  readonly lines: readonly string[];
  readonly host?: string;
  readonly port?: number;
  /** That the server has; default: all three. */
  readonly server?: readonly (typeof TYPES)[number][];
  readonly accepted: boolean;
}

const textOf = ({ lines }: Case): string =>
  `${lines.map((line) => line.replaceAll(/\{(\w+)\}/g, (_, name: (typeof KEYS)[number]) => key(name))).join('\n')}\n`;

/** Whether the real ssh goes on to the login when the real sshd shows its key. */
function sshAccepts(one: Case): boolean {
  const { host = '10.0.0.7', port = 22, server = TYPES } = one;
  const config = join(directory, 'sshd_config');
  writeFileSync(
    config,
    `${server.map((type) => `HostKey ${join(directory, type)}`).join('\n')}\nUsePAM no\nPidFile none\n`,
  );
  const file = join(directory, 'known_hosts');
  writeFileSync(file, textOf(one));
  const options = {
    UserKnownHostsFile: file,
    GlobalKnownHostsFile: 'none',
    StrictHostKeyChecking: 'yes',
    BatchMode: 'yes',
    UpdateHostKeys: 'no',
    PreferredAuthentications: 'none',
    ProxyCommand: `${SSHD} -i -e -f ${config}`,
  };
  const { stderr } = spawnSync(
    'ssh',
    [
      '-F',
      'none',
      ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
      '-p',
      `${port}`,
      host,
      'true',
    ],
    { encoding: 'utf8', timeout: 20_000 },
  );
  const [login, refused] = [/Permission denied/.test(stderr), /Host key verification failed/.test(stderr)];
  if (login === refused) throw new Error(`ssh said neither yes nor no:\n${stderr}`);
  return login;
}

/** What Nightlift does: asks for the types that it knows, and judges the first of them that the server has. */
function nightliftAccepts(one: Case): boolean {
  const { host = '10.0.0.7', port = 22, server = TYPES } = one;
  const known = parseKnownHosts(textOf(one)).keysFor([host], port);
  const shown = known.types
    .map((type) => server.map((name) => key(name)).find((text) => text.startsWith(`${type} `)))
    .find((text) => text !== undefined);
  return shown !== undefined && known.judge(Buffer.from(shown.split(' ')[1] ?? '', 'base64')) === 'pinned';
}

/** `|1|salt|hash` as ssh-keygen writes it. */
function hashed(line: string): string {
  const file = join(directory, 'to-hash');
  writeFileSync(file, `${line.replaceAll(/\{(\w+)\}/g, (_, name: (typeof KEYS)[number]) => key(name))}\n`);
  execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'ignore' });
  return readFileSync(file, 'utf8').trim();
}

const CASES: readonly Case[] = [
  { title: 'a plain line', lines: ['10.0.0.7 {ed25519}'], accepted: true },
  { title: 'no line', lines: ['10.0.0.8 {ed25519}'], accepted: false },
  { title: 'another key', lines: ['10.0.0.7 {other}'], accepted: false },
  { title: 'a list of names', lines: ['node-7,10.0.0.7 {ed25519}'], accepted: true },
  {
    title: 'comments, blank lines and indentation',
    lines: ['# a', '', '  # b', ' \t10.0.0.7\t{ed25519}  somebody@somewhere #1'],
    accepted: true,
  },
  { title: 'lines that end as on Windows', lines: ['10.0.0.7 {ed25519}\r', '\r'], accepted: true },
  {
    title: 'several keys of one host, the right one last',
    lines: ['10.0.0.7 {other}', '10.0.0.7 {ed25519}'],
    accepted: true,
  },
  {
    title: 'the preferred type wrong, another one right',
    lines: ['10.0.0.7 {rsa}', '10.0.0.7 {other}'],
    accepted: false,
  },
  { title: 'a type that is not the preferred one', lines: ['10.0.0.7 {rsa}'], accepted: true },
  {
    title: 'two types, of which the server has the second',
    lines: ['10.0.0.7 {other}', '10.0.0.7 {ecdsa}'],
    server: ['ecdsa'],
    accepted: true,
  },
  { title: 'a type that the server does not have', lines: ['10.0.0.7 {ed25519}'], server: ['rsa'], accepted: false },
  { title: 'wildcards', lines: ['10.0.0.* {ed25519}'], accepted: true },
  { title: 'a wildcard for one character', lines: ['10.0.0.? {ed25519}'], accepted: true },
  { title: 'a wildcard and an exception', lines: ['10.0.0.*,!10.0.0.7 {ed25519}'], accepted: false },
  { title: 'an exception before its wildcard', lines: ['!10.0.0.7,10.0.0.* {ed25519}'], accepted: false },
  { title: 'an exception alone', lines: ['!10.0.0.8 {ed25519}'], accepted: false },
  { title: 'an exception on another line', lines: ['!10.0.0.7 {ed25519}', '10.0.0.7 {ed25519}'], accepted: true },
  { title: 'capitals in a name', lines: ['Node-7.Example {ed25519}'], host: 'node-7.example', accepted: true },
  { title: 'a port', lines: ['[10.0.0.7]:2222 {ed25519}'], port: 2222, accepted: true },
  { title: 'another port', lines: ['[10.0.0.7]:2223 {ed25519}'], port: 2222, accepted: false },
  { title: 'a port, asked at 22', lines: ['[10.0.0.7]:2222 {ed25519}'], accepted: false },
  { title: '22 in brackets', lines: ['[10.0.0.7]:22 {ed25519}'], accepted: false },
  { title: 'a host without port, asked at another one', lines: ['10.0.0.7 {ed25519}'], port: 2222, accepted: true },
  {
    title: 'a host without port and a wrong key, asked at another port',
    lines: ['10.0.0.7 {other}'],
    port: 2222,
    accepted: false,
  },
  {
    title: 'a wrong key at the port, the right one without it',
    lines: ['[10.0.0.7]:2222 {other}', '10.0.0.7 {ed25519}'],
    port: 2222,
    accepted: false,
  },
  { title: 'a wildcard at any port', lines: ['* {ed25519}'], port: 2222, accepted: true },
  { title: 'a wildcard within brackets', lines: ['[10.0.0.*]:2222 {ed25519}'], port: 2222, accepted: true },
  { title: 'IPv6', lines: ['fd00::7 {ed25519}'], host: 'fd00::7', accepted: true },
  { title: 'IPv6 in brackets at 22', lines: ['[fd00::7] {ed25519}'], host: 'fd00::7', accepted: false },
  { title: 'IPv6 at a port', lines: ['[fd00::7]:2222 {ed25519}'], host: 'fd00::7', port: 2222, accepted: true },
  { title: 'IPv6 in capitals', lines: ['FD00::7 {ed25519}'], host: 'fd00::7', accepted: true },
  { title: 'IPv6 written another way', lines: ['fd00:0:0::7 {ed25519}'], host: 'fd00::7', accepted: false },
  { title: 'a revoked key', lines: ['10.0.0.7 {ed25519}', '@revoked 10.0.0.7 {ed25519}'], accepted: false },
  { title: 'a key revoked for all hosts', lines: ['@revoked * {ed25519}', '10.0.0.7 {ed25519}'], accepted: false },
  {
    title: 'a key revoked for all hosts, at a port',
    lines: ['[10.0.0.7]:2222 {ed25519}', '@revoked * {ed25519}'],
    port: 2222,
    accepted: false,
  },
  {
    title: 'a key revoked at that port',
    lines: ['[10.0.0.7]:2222 {ed25519}', '@revoked [10.0.0.7]:2222 {ed25519}'],
    port: 2222,
    accepted: false,
  },
  {
    title: 'a key revoked for a host without port, known without port',
    lines: ['10.0.0.7 {ed25519}', '@revoked 10.0.0.7 {ed25519}'],
    port: 2222,
    accepted: false,
  },
  { title: 'another key revoked', lines: ['10.0.0.7 {ed25519}', '@revoked 10.0.0.7 {other}'], accepted: true },
  {
    title: 'a key revoked for another host',
    lines: ['10.0.0.7 {ed25519}', '@revoked 10.0.0.8 {ed25519}'],
    accepted: true,
  },
  {
    title: 'an authority beside the plain key',
    lines: ['@cert-authority * {authority}', '10.0.0.7 {ed25519}'],
    accepted: true,
  },
  { title: 'an authority alone, and a plain key', lines: ['@cert-authority * {authority}'], accepted: false },
  { title: 'the plain key as an authority', lines: ['@cert-authority 10.0.0.7 {ed25519}'], accepted: false },
  {
    title: 'an authority at a port',
    lines: ['@cert-authority [10.0.0.7]:2222 {authority}', '[10.0.0.7]:2222 {ed25519}'],
    port: 2222,
    accepted: true,
  },
  { title: 'a revoked authority', lines: ['@revoked * {authority}', '10.0.0.7 {ed25519}'], accepted: true },
  {
    title: 'an unknown algorithm on another line',
    lines: ['10.0.0.7 ssh-mldsa-44 AAAADHNzaC1tbGRzYS00NAAAAAAA', '10.0.0.7 {ed25519}'],
    accepted: true,
  },
  {
    title: 'an unknown algorithm alone',
    lines: ['10.0.0.7 ssh-mldsa-44 AAAADHNzaC1tbGRzYS00NAAAAAAA'],
    accepted: false,
  },
  {
    title: 'the key of a security key on another line',
    lines: [
      '10.0.0.7 sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIKCpV1WJ5W9IwVKYJ0GQkWkHf0n0qg0m2c0y3m1Zk8nLAAAABHNzaDo=',
      '10.0.0.7 {ed25519}',
    ],
    accepted: true,
  },
  {
    title: 'too few fields on another line',
    lines: ['10.0.0.7 ssh-ed25519', '10.0.0.7', '10.0.0.7 {ed25519}'],
    accepted: true,
  },
  {
    title: 'a broken key on another line',
    lines: ['10.0.0.7 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA', '10.0.0.7 {ed25519}'],
    accepted: true,
  },
  {
    title: 'a type that is not that of its key',
    lines: [
      '10.0.0.7 ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIHrrZ2rKe8KzypxQ4oRr7mJm5dSxXh2kXH0y0v2Y3c4Z',
      '10.0.0.7 {ed25519}',
    ],
    accepted: true,
  },
  {
    title: 'a broken hash on another line',
    lines: ['|1|AAAA|BBBB {ed25519}', '|2|x|y {ed25519}', '10.0.0.7 {ed25519}'],
    accepted: true,
  },
  { title: 'signs that base64 does not have, within the key', lines: ['10.0.0.7 {ed25519}!'], accepted: false },
];

describe.skipIf(whyNot !== '')(`known_hosts, as the real ssh reads it${whyNot}`, { timeout: 60_000 }, () => {
  it.each(CASES)('$title: accepted: $accepted', (one) => {
    expect({ ssh: sshAccepts(one), nightlift: nightliftAccepts(one) }).toEqual({
      ssh: one.accepted,
      nightlift: one.accepted,
    });
  });

  it.each([
    ['a name', '10.0.0.7 {ed25519}', '10.0.0.7', 22, true],
    ['a name and a port', '[10.0.0.7]:2222 {ed25519}', '10.0.0.7', 2222, true],
    ['a name, at another port', '10.0.0.7 {ed25519}', '10.0.0.7', 2222, true],
    ['IPv6', 'fd00::7 {ed25519}', 'fd00::7', 22, true],
    ['IPv6 and a port', '[fd00::7]:2222 {ed25519}', 'fd00::7', 2222, true],
    ['another name', '10.0.0.8 {ed25519}', '10.0.0.7', 22, false],
  ] as const)('a hash of %s', (title, line, host, port, accepted) => {
    const one = { title, lines: [hashed(line)], host, port, accepted };
    expect({ ssh: sshAccepts(one), nightlift: nightliftAccepts(one) }).toEqual({ ssh: accepted, nightlift: accepted });
  });

  it('a hashed name may be revoked', () => {
    const one = {
      title: '',
      lines: [`@revoked ${hashed('10.0.0.7 {ed25519}')}`, '10.0.0.7 {ed25519}'],
      accepted: false,
    };
    expect({ ssh: sshAccepts(one), nightlift: nightliftAccepts(one) }).toEqual({ ssh: false, nightlift: false });
  });

  it('a key revoked for a host is revoked at every port, which ssh sees otherwise: what is out of hand is so everywhere', () => {
    const one = {
      title: '',
      lines: ['[10.0.0.7]:2222 {ed25519}', '@revoked 10.0.0.7 {ed25519}'],
      port: 2222,
      accepted: false,
    };
    expect({ ssh: sshAccepts(one), nightlift: nightliftAccepts(one) }).toEqual({ ssh: true, nightlift: false });
  });

  it.each([
    [
      'a known line among others',
      [
        '{host} ssh-mldsa-44 AAAADHNzaC1tbGRzYS00NAAAAAAA',
        '@cert-authority * {authority}',
        'nonsense',
        '{host} {ecdsa}',
      ],
      'the node refused the login',
    ],
    [
      'an authority alone',
      ['@cert-authority * {authority}'],
      'no host key is pinned for this node; an @cert-authority line names it',
    ],
    [
      'a line that says nothing',
      ['{host} ssh-ed25519'],
      'no host key is pinned for this node; lines that say nothing: 1: it has too few fields',
    ],
    ['another key', ['{host} {other}'], 'the host key has changed'],
    ['a revoked key', ['{host} {ed25519}', '@revoked * {ed25519}'], 'is marked @revoked'],
  ])('a real sshd with %s is told apart', async (_title, lines, says) => {
    const port = await freePort();
    const config = join(directory, 'sshd_daemon');
    writeFileSync(
      config,
      `${TYPES.map((type) => `HostKey ${join(directory, type)}`).join('\n')}\nUsePAM no\nPidFile none\n`,
    );
    const sshd = spawn(SSHD, ['-D', '-e', '-f', config, '-p', `${port}`, '-o', 'ListenAddress=127.0.0.1'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    try {
      // Its first line on stderr: it listens.
      await once(sshd.stderr, 'data');
      const text = textOf({
        title: '',
        lines: lines.map((line) => line.replace('{host}', `[127.0.0.1]:${port}`)),
        accepted: false,
      });
      const settings = {
        user: 'nobody',
        port,
        privateKey: generateSshKey().private,
        hostKeys: 'pinned',
        connectTimeoutMs: 10_000,
      } as const;
      const node = { name: 'node-7', internalIp: '127.0.0.1' };
      await expect(
        (async () => await connectToNode(node, settings, parseKnownHosts(text), new Map()))(),
      ).rejects.toThrow(says);
    } finally {
      sshd.kill();
      await once(sshd, 'close');
    }
  });
});
