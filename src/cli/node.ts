import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { readEnvironment } from '../environment.ts';
import { NightliftError, reasonOf } from '../errors.ts';
import { accountScript, installedFiles, installScript, type NodeInstall } from '../node/node-install.ts';
import { nodePolicy, releaseOf } from '../node/node-program.ts';
import type { Settings } from '../settings/settings.ts';
import { builtInTemplates } from '../wire/templates.ts';
import { type Call, EXIT, text } from './call/command.ts';
import { offlineSettings, withSession } from './call/session.ts';

export async function run(call: Call): Promise<number> {
  const asked = call.positionals.join(' ');
  if (asked !== 'install')
    throw new NightliftError(
      'usage',
      `nightlift node: ${asked === '' ? 'what to do is missing' : `"${asked}" is not known`}; there is: install`,
      { remedy: 'nightlift node install --public-key nightlift-key.pub > node-install.sh' },
    );
  return await withSettings(call, async (settings) => {
    const templates = builtInTemplates(readEnvironment());
    const install: NodeInstall = {
      scripts: templates.node,
      parts: templates.nodeProgram,
      policy: nodePolicy(settings),
      user: settings.ssh.user,
      publicKey: publicKey(text(call, 'public-key')),
    };
    const deb = text(call, 'deb');
    if (deb === undefined) call.output.raw(installScript(install));
    else await writeDeb(deb, install, new Date(), call);
    return EXIT.done;
  });
}

/** Of --config without asking a cluster; else those of the cluster. */
async function withSettings(call: Call, body: (settings: Settings) => Promise<number>): Promise<number> {
  if (text(call, 'config') !== undefined) return await body(offlineSettings(call));
  return await withSession(call, async ({ deps }) => await body(deps.settings));
}

function publicKey(file: string | undefined): string {
  if (file === undefined) return '';
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    throw new NightliftError('usage', `reading the public key ${file}: ${reasonOf(error)}`);
  }
  const line = content.trim();
  if (/^(ssh-|ecdsa-|sk-)[\w@.-]+ [A-Za-z0-9+/=]+( [^\n]*)?$/.test(line)) return line;
  throw new NightliftError('usage', `reading the public key ${file}: it is not one line of an OpenSSH public key`, {
    remedy: line.includes('PRIVATE KEY')
      ? 'That is the private one. Give the file that ends with .pub.'
      : 'ssh-keygen -y -f nightlift-key > nightlift-key.pub',
  });
}

/** A package with the same files, whose postinst does to the account what the script does. */
async function writeDeb(file: string, install: NodeInstall, now: Date, { output, signal }: Call): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'nightlift-deb-'));
  const put = (path: string, content: string, mode: number): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
    chmodSync(join(folder, path), mode);
  };
  // Of two packages the later one is the newer; a release has no order.
  const version = `0.${now.toISOString().replaceAll(/[-:T]|\..*$/g, '')}+${releaseOf(install.scripts)}`;
  try {
    chmodSync(folder, 0o755);
    for (const [path, { mode, text: content }] of installedFiles(install)) put(path, content, Number.parseInt(mode, 8));
    put(
      'DEBIAN/control',
      `Package: nightlift-node\nVersion: ${version}\nArchitecture: all\nMaintainer: Nightlift\nDepends: bash, sudo, passwd\nSection: admin\nPriority: optional\nDescription: lets the key of Nightlift upgrade this node, and nothing else\n`,
      0o644,
    );
    put(
      'DEBIAN/postinst',
      `#!/bin/bash\nset -euo pipefail\numask 022\nif [ "$1" != configure ]; then exit 0; fi\n${accountScript(install)}`,
      0o755,
    );
    await promisify(execFile)('dpkg-deb', ['--root-owner-group', '--build', folder, file], { signal });
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new NightliftError(
      'usage',
      `writing the package ${file}: ${missing ? 'there is no dpkg-deb here' : reasonOf(error)}`,
      {
        remedy: missing
          ? 'Run it on Debian or Ubuntu, or take the script: nightlift node install'
          : 'See the line of dpkg-deb.',
      },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  output.note(`Wrote ${file} (nightlift-node ${version}).`);
}
