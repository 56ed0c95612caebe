import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isKilled, type StandInCall } from '../stand-in.ts';
import {
  type AptSettings,
  type AptSource,
  aptSettings,
  type ListedPackage,
  listedPackages,
  listName,
} from './apt-sources.ts';

/** apt-get update and apt-get install, over HTTP to the repository that the sources name. */
export async function aptGet(call: StandInCall): Promise<number> {
  const { settings, words } = aptSettings(call.machine, call.args);
  const [verb, ...rest] = words.filter((word) => !word.startsWith('-'));
  switch (verb) {
    case 'update':
      return update(call, settings);
    case 'install':
      return install(call, settings, rest, {
        downloadOnly: words.includes('--download-only'),
        changeHeld: words.includes('--allow-change-held-packages'),
        simulate: words.includes('-s'),
        noRemove: words.includes('--no-remove'),
        ignoreHold: words.includes('--ignore-hold'),
      });
    default:
      call.err(`E: Invalid operation ${verb ?? ''}\n`);
      return 100;
  }
}

async function update(call: StandInCall, settings: AptSettings): Promise<number> {
  const failures: string[] = [];
  for (const [index, source] of settings.sources.entries()) {
    const failure = await fetchList(call, settings, source, index + 1);
    if (failure !== undefined) failures.push(failure);
  }
  call.out('Reading package lists...\n');
  for (const failure of failures) call.err(`${failure}\n`);
  return failures.some((failure) => failure.startsWith('E:')) ? 100 : 0;
}

async function fetchList(
  call: StandInCall,
  settings: AptSettings,
  source: AptSource,
  number: number,
): Promise<string | undefined> {
  const list = join(settings.lists, listName(source.uri));
  const lost = (why: string): string => {
    call.out(`Err:${number} ${source.uri}  InRelease\n  ${why}\n`);
    // Without Error-Mode=any apt goes on with the list of an earlier time, and only warns.
    if (existsSync(list) && !settings.strict) {
      return `W: Failed to fetch ${source.uri}InRelease  ${why}\nW: Some index files failed to download. They have been ignored, or old ones used instead.`;
    }
    return `E: Failed to fetch ${source.uri}InRelease  ${why}\nE: The repository '${source.uri}  InRelease' is not signed.`;
  };
  const release = await download(call, `${source.uri}InRelease`);
  if (typeof release === 'string') return lost(release);
  const keyring = call.machine.path(source.signedBy);
  if (call.machine.knobs.brokenSignature || source.signedBy === '' || !existsSync(keyring)) {
    const why = call.machine.knobs.brokenSignature ? 'EXPKEYSIG 234654DA9A296436' : 'NO_PUBKEY 234654DA9A296436';
    return lost(`The following signatures couldn't be verified because the public key is not available: ${why}`);
  }
  call.out(`Get:${number} ${source.uri}  InRelease [${release.length} B]\n`);
  const packages = await download(call, `${source.uri}Packages`);
  if (typeof packages === 'string') return lost(packages);
  const expected = /SHA256:\n(?: .*\n)*? ([0-9a-f]{64}) \d+ Packages$/m.exec(release.toString())?.[1];
  if (expected !== createHash('sha256').update(packages).digest('hex')) {
    call.out(`Err:${number} ${source.uri}  Packages\n  Hash Sum mismatch\n`);
    return `E: Failed to fetch ${source.uri}Packages  Hash Sum mismatch`;
  }
  call.out(`Get:${number} ${source.uri}  Packages [${packages.length} B]\n`);
  writeFileSync(list, packages);
  return undefined;
}

/** The content, or why there is none in apt's words. */
async function download(call: StandInCall, url: string): Promise<Buffer | string> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.any([call.signal, AbortSignal.timeout(30_000)]) });
    const content = Buffer.from(await answer.arrayBuffer());
    return answer.ok ? content : `${answer.status}  ${answer.statusText}`;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    return `Could not connect: ${cause}`;
  }
}

async function install(
  call: StandInCall,
  settings: AptSettings,
  wanted: readonly string[],
  how: { downloadOnly: boolean; changeHeld: boolean; simulate: boolean; noRemove: boolean; ignoreHold: boolean },
): Promise<number> {
  const { machine } = call;
  if (!how.simulate && !(await takeLock(call, settings.lockTimeoutMs))) return 100;
  if (!how.simulate && [...machine.packages.values()].some((one) => one.status !== 'installed')) {
    call.err("E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem.\n");
    return 100;
  }
  call.out('Reading package lists...\nBuilding dependency tree...\nReading state information...\n');
  const listed = listedPackages(machine, settings);
  const plan: { name: string; version: string; from: ListedPackage | undefined }[] = [];
  for (const word of wanted) {
    const [name = '', version] = word.split('=');
    const own = machine.containerds[name]?.find((one) => one === version);
    const from = listed.find((one) => one.name === name && (version === undefined || matches(one.version, version)));
    if (machine.packages.get(name)?.version === version) {
      call.out(`${name} is already the newest version (${version}).\n`);
    } else if (from === undefined && own === undefined) {
      call.err(`E: Version '${version ?? ''}' for '${name}' was not found\n`);
      return 100;
    } else {
      plan.push({ name, version: from?.version ?? own ?? '', from });
    }
  }
  for (const name of machine.knobs.pulledIn) {
    const found = machine.packages.get(name);
    if (plan.length > 0 && found !== undefined) plan.push({ name, version: `${found.version}+1`, from: undefined });
  }
  // What is not asked for by name does not move while it is on hold, whatever may be changed.
  const stays = plan.find(
    ({ name, from }) => from === undefined && machine.knobs.pulledIn.has(name) && machine.packages.get(name)?.held,
  );
  if (stays !== undefined && !how.ignoreHold) {
    call.out(
      `The following packages have unmet dependencies:\n kubeadm : Depends: ${stays.name} (>= ${stays.version}) but ${machine.packages.get(stays.name)?.version ?? ''} is to be installed\n`,
    );
    call.err('E: Unable to correct problems, you have held broken packages.\n');
    return 100;
  }
  const held = plan.filter(({ name }) => machine.packages.get(name)?.held).map(({ name }) => name);
  if (held.length > 0) {
    call.out(`The following held packages will be changed:\n  ${held.join(' ')}\n`);
    if (!how.changeHeld) {
      call.err('E: Held packages were changed and -y was used without --allow-change-held-packages.\n');
      return 100;
    }
  }
  const removed = plan.length > 0 ? [...machine.knobs.inTheWay].filter((name) => machine.packages.has(name)) : [];
  if (removed.length > 0) {
    call.out(
      `The following packages will be REMOVED:\n  ${removed.join(' ')}\nThe following packages will be upgraded:\n  ${plan.map(({ name }) => name).join(' ')}\n`,
    );
    if (how.noRemove) {
      call.err('E: Packages need to be removed but remove is disabled.\n');
      return 100;
    }
    for (const name of removed) if (!how.simulate && !how.downloadOnly) machine.packages.delete(name);
  }
  if (how.simulate) {
    for (const { name, version } of plan)
      call.out(
        `Inst ${name} [${machine.packages.get(name)?.version ?? ''}] (${version} rehearsal [${machine.architecture}])\n`,
      );
    return 0;
  }
  call.out(`${plan.length} upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n`);
  if (plan.length > 0 && machine.knobs.freeBytes < 100e6) {
    call.err(`E: You don't have enough free space in ${settings.archives}/.\n`);
    return 100;
  }
  for (const { from } of plan) {
    if (from !== undefined && !(await fetchArchive(call, settings, from))) return 100;
  }
  if (how.downloadOnly) {
    call.out('Download complete and in download only mode\n');
    return 0;
  }
  for (const { name, version } of plan) {
    const before = machine.packages.get(name);
    // A hold does not survive --allow-change-held-packages.
    const changed = { version, held: false, status: 'half-configured' as 'installed' | 'half-configured' };
    machine.packages.set(name, changed);
    call.out(`Unpacking ${name} (${version}) over (${before?.version ?? 'none'}) ...\n`);
    await call.sleep(machine.timing.package);
    if (isKilled(call)) return 137;
    changed.status = 'installed';
    call.out(`Setting up ${name} (${version}) ...\n`);
  }
  return 0;
}

async function takeLock(call: StandInCall, timeoutMs: number): Promise<boolean> {
  const { knobs } = call.machine;
  const left = knobs.aptLockUntil - Date.now();
  if (left <= 0) return true;
  if (timeoutMs > 0) call.out('Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend...\n');
  await call.sleep(Math.min(left, timeoutMs));
  if (knobs.aptLockUntil <= Date.now()) return true;
  call.err('E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4711 (unattended-upgr)\n');
  call.err('E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?\n');
  return false;
}

async function fetchArchive(call: StandInCall, settings: AptSettings, wanted: ListedPackage): Promise<boolean> {
  const file = join(settings.archives, wanted.filename.split('/').at(-1) ?? wanted.name);
  if (existsSync(file) && createHash('sha256').update(readFileSync(file)).digest('hex') === wanted.sha256) return true;
  const url = `${wanted.source.uri}${wanted.filename}`;
  const content = await download(call, url);
  if (typeof content === 'string') {
    call.err(
      `E: Failed to fetch ${url}  ${content}\nE: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?\n`,
    );
    return false;
  }
  if (createHash('sha256').update(content).digest('hex') !== wanted.sha256) {
    call.err(`E: Failed to fetch ${url}  Hash Sum mismatch\n`);
    return false;
  }
  call.out(`Get: ${wanted.source.uri}  ${wanted.name} ${wanted.version} [${content.length} B]\n`);
  writeFileSync(file, content);
  return true;
}

/** '1.36.4-*' as apt takes it. */
function matches(version: string, pattern: string): boolean {
  return pattern.endsWith('*') ? version.startsWith(pattern.slice(0, -1)) : version === pattern;
}
