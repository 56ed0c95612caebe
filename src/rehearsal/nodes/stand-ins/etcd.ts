import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { StandInCall } from '../stand-in.ts';

/** Programs of etcd's image; not in a node's PATH. */
export const ETCD_PROGRAMS = ['etcd', 'etcdctl', 'etcdutl'] as const;

/** What a database has, in the rehearsal all of it. */
interface Content {
  readonly revision: number;
  readonly keys: number;
}

const KEYS = 321;
const OWN_PORT = '2379';
const DIGEST_BYTES = 32;

/** etcd: serves a restored database until it is killed. */
export async function etcd(call: StandInCall): Promise<number> {
  const data = valueOf(call, '--data-dir');
  const served = servedOn(call, valueOf(call, '--listen-client-urls'));
  mkdirSync(dirname(served), { recursive: true });
  copyFileSync(call.machine.path(`${data}/member/snap/db`), served);
  while (!call.signal.aborted) await call.sleep(60_000);
  rmSync(served, { force: true });
  return 0;
}

/** etcdctl endpoint status, get --count-only and snapshot save, of the node's etcd or of one that `etcd` serves. */
export function etcdctl(call: StandInCall): number {
  const endpoint = valueOf(call, '--endpoints');
  const content = contentAt(call, endpoint);
  if (content === undefined) {
    call.err('Error: context deadline exceeded\n');
    return 1;
  }
  if (call.args.includes('save')) {
    const file = call.args.at(-1) ?? '';
    const body = Buffer.from(JSON.stringify(content).padEnd(8192, '\n'));
    const digest = createHash('sha256').update(body).digest();
    writeFileSync(call.machine.path(file), Buffer.concat([body, digest]), { mode: 0o600 });
    call.out(`Snapshot saved at ${file}\nServer version 3.6.0\n`);
  } else if (call.args.includes('get')) {
    call.out(
      `"ClusterID" : 1\n"MemberID" : 2\n"Revision" : ${content.revision}\n"RaftTerm" : 2\n"More" : false\n"Count" : ${content.keys}\n`,
    );
  } else {
    const status = { header: { revision: content.revision }, version: '3.6.8', dbSize: 8192 };
    call.out(`${JSON.stringify([{ Endpoint: endpoint, Status: status }])}\n`);
  }
  return 0;
}

/** etcdutl snapshot status and restore. */
export function etcdutl(call: StandInCall): number {
  const [, verb, file = ''] = call.args;
  const path = call.machine.path(file);
  if (!existsSync(path)) {
    call.err(`Error: stat ${file}: no such file or directory\n`);
    return 1;
  }
  const content = readContent(path);
  if (verb === 'restore') {
    const snap = call.machine.path(`${valueOf(call, '--data-dir')}/member/snap`);
    mkdirSync(snap, { recursive: true });
    copyFileSync(path, `${snap}/db`);
  } else {
    const { revision, keys } = content;
    const status = { hash: 3_535_332_676, revision, totalKey: keys, totalSize: 8192, version: '3.6.0' };
    call.out(`${JSON.stringify(status)}\n`);
  }
  return 0;
}

function contentAt(call: StandInCall, url: string): Content | undefined {
  // A cluster's revision never stands still.
  if (url.endsWith(`:${OWN_PORT}`)) return { revision: Math.floor(Date.now() / 1000), keys: KEYS };
  const served = servedOn(call, url);
  return existsSync(served) ? readContent(served) : undefined;
}

function servedOn(call: StandInCall, url: string): string {
  return call.machine.path(`/run/etcd-on-${/\d+$/.exec(url)?.[0] ?? ''}`);
}

function readContent(file: string): Content {
  return JSON.parse(readFileSync(file).subarray(0, -DIGEST_BYTES).toString('utf8')) as Content;
}

function valueOf(call: StandInCall, flag: string): string {
  return call.args[call.args.indexOf(flag) + 1] ?? '';
}
