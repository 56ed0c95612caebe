import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Package } from '../machine.ts';
import type { StandInCall } from '../stand-in.ts';

export function dpkg(call: StandInCall): number {
  const broken = [...call.machine.packages].filter(([, { status }]) => status !== 'installed');
  if (call.args.includes('--audit')) {
    if (broken.length > 0) {
      call.out(
        'The following packages are only half configured, probably due to problems\nconfiguring them the first time.\n',
      );
      for (const [name] of broken) call.out(` ${name}\n`);
    }
    return 0;
  }
  if (call.args.includes('--configure')) {
    for (const [name, found] of broken) {
      call.out(`Setting up ${name} (${found.version}) ...\n`);
      found.status = 'installed';
    }
    return 0;
  }
  call.err('dpkg: error: need an action option\n');
  return 2;
}

/** dpkg-query -W -f FORMAT PACKAGE…; without a package all of them. */
export function dpkgQuery(call: StandInCall): number {
  const { args, machine } = call;
  const at = args.findIndex((word) => word === '-f' || word.startsWith('-f=') || word.startsWith('--showformat='));
  const flag = args[at] ?? '';
  const format = flag === '-f' ? (args[at + 1] ?? '') : flag.slice(flag.indexOf('=') + 1);
  const asked = args.filter((word, index) => !word.startsWith('-') && !(flag === '-f' && index === at + 1));
  const names = asked.length > 0 ? asked : machine.packages.keys();
  let missing = 0;
  for (const name of names) {
    const found = machine.packages.get(name);
    if (found === undefined) {
      call.err(`dpkg-query: no packages found matching ${name}\n`);
      missing = 1;
    } else {
      call.out(fill(format, name, found));
    }
  }
  return missing;
}

function fill(format: string, name: string, found: Package): string {
  const want = found.held ? 'hold' : 'install';
  const fields: Readonly<Record<string, string>> = {
    Package: name,
    Version: found.version,
    Status: `${want} ok ${found.status}`,
    'db:Status-Want': want,
    'db:Status-Status': found.status,
    'db:Status-Abbrev': `${found.held ? 'h' : 'i'}${found.status === 'installed' ? 'i' : 'F'} `,
  };
  return format
    .replaceAll('\\n', '\n')
    .replaceAll('\\t', '\t')
    .replaceAll(/\$\{([^}]+)\}/g, (_, field: string) => fields[field] ?? '');
}

/** dpkg-deb -x FILE DIRECTORY, of a package of the rehearsal's feed. */
export function dpkgDeb(call: StandInCall): number {
  const [verb, file = '', directory = ''] = call.args;
  if (verb !== '-x' && verb !== '--extract') {
    call.err('dpkg-deb: error: need an action option\n');
    return 2;
  }
  const text = readFileSync(resolve(call.cwd, file), 'utf8');
  const name = /^package=(.+)$/m.exec(text)?.[1];
  const version = /^version=([^-\n]+)/m.exec(text)?.[1];
  if (name === undefined || version === undefined) {
    call.err(`dpkg-deb: error: '${file}' is not a Debian format archive\n`);
    return 2;
  }
  const bin = join(resolve(call.cwd, directory), 'usr/bin');
  mkdirSync(bin, { recursive: true });
  call.install(join(bin, name), `${name}@${version}`);
  return 0;
}
