import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from './node.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEnightliftnightliftnightliftnightliftnigh nightlift';

describe('nightlift node', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'nightlift-cli-node-'));
    writeFileSync(join(folder, 'config.yaml'), 'ssh: { user: upgrader }\n');
    writeFileSync(join(folder, 'key.pub'), `${KEY}\n`);
    writeFileSync(join(folder, 'key'), '-----BEGIN OPENSSH PRIVATE KEY-----\nx\n');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function call(positionals: readonly string[], values: Readonly<Record<string, string>> = {}) {
    const said = { raw: '', note: '' };
    const output = {
      raw: (text: string) => void (said.raw += text),
      note: (text: string) => void (said.note += text),
    };
    const given = { config: join(folder, 'config.yaml'), ...values };
    const signal = AbortSignal.timeout(20_000);
    const exitCode = await run({ commands: [], values: given, positionals, output, signal } as never);
    return { exitCode, ...said };
  }

  it.each([
    [[], 'nightlift node: what to do is missing; there is: install'],
    [['uninstall'], 'nightlift node: "uninstall" is not known; there is: install'],
    [['install', 'now'], 'nightlift node: "install now" is not known; there is: install'],
  ])('knows install alone: %j', async (words, message) => {
    await expect(call(words)).rejects.toMatchObject({
      kind: 'usage',
      message,
      remedy: expect.stringContaining('node install'),
    });
  });

  it('prints a script for the account of the settings, without asking a cluster', async () => {
    const { exitCode, raw } = await call(['install'], { 'public-key': join(folder, 'key.pub') });
    expect(exitCode).toBe(0);
    expect(raw).toContain("\nACCOUNT='upgrader'\n");
    expect(raw).toContain(`\nPUBLIC_KEY='${KEY}'\n`);
    execFileSync('bash', ['-n'], { input: raw });
  });

  it.each([
    ['key', /not one line of an OpenSSH public key/, /private one/],
    ['config.yaml', /not one line of an OpenSSH public key/, /ssh-keygen -y/],
    ['none', /no such file/, undefined],
  ])('takes no %s for a public key', async (name, message, remedy) => {
    const asked = call(['install'], { 'public-key': join(folder, name) });
    await expect(asked).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringMatching(message),
      ...(remedy === undefined ? {} : { remedy: expect.stringMatching(remedy) }),
    });
  });

  it.skipIf(!existsSync('/usr/bin/dpkg-deb'))('writes a package of root with the same files', async () => {
    const deb = join(folder, 'node.deb');
    const { note } = await call(['install'], { deb });
    expect(note).toMatch(/^Wrote .* \(nightlift-node 0\.\d{14}\+[0-9a-f]{16}\)\.$/);
    const files = execFileSync('dpkg-deb', ['-c', deb], { encoding: 'utf8' });
    expect(files).toMatch(/^-rwxr-xr-x root\/root .* \.\/opt\/nightlift\/nightlift-node$/m);
    expect(files).toMatch(/^-rw-r--r-- root\/root .* \.\/opt\/nightlift\/[0-9a-f]{16}\/upgrade-node\.sh$/m);
    const postinst = execFileSync('dpkg-deb', ['--info', deb, 'postinst'], { encoding: 'utf8' });
    expect(postinst).toContain("\nACCOUNT='upgrader'\n");
    execFileSync('bash', ['-n'], { input: postinst });
  });

  it('says what is wrong with the file of a package', async () => {
    await expect(call(['install'], { deb: join(folder, 'no/such/folder/x.deb') })).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringContaining('writing the package'),
    });
  });
});
