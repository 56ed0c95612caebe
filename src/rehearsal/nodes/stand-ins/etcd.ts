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

/** etcdctl member list, endpoint status and health, alarm list, get --count-only and snapshot save, of the node's etcd or of one that `etcd` serves. */
export function etcdctl(call: StandInCall): number {
  if (call.args.includes('--cluster') || call.args.includes('member')) return ofCluster(call);
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
  } else if (call.args.includes('alarm')) {
    call.out(`${JSON.stringify({ header: { revision: content.revision }, alarms: null })}\n`);
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

const CLUSTER_ID = 1001;

/** As etcdctl 3.6 answers (test/fixtures/recorded/etcd): members by their control planes, one of them the leader. */
function ofCluster(call: StandInCall): number {
  const ports = call.machine.cluster.controlPlanePorts();
  const up = ports.filter(({ etcd: isUp }) => isUp);
  if (up.length * 2 <= ports.length) {
    call.err('Error: context deadline exceeded\n');
    return 1;
  }
  const idOf = (name: string): number => 1 + ports.findIndex((one) => one.name === name);
  const urlOf = (address: string): string => `https://${address}:${OWN_PORT}`;
  const header = { cluster_id: CLUSTER_ID, member_id: idOf(call.machine.name), raft_term: 2 };
  const leader = idOf(up[0]?.name ?? '');
  const say = (answer: unknown): void => call.out(`${JSON.stringify(answer)}\n`);
  const isAllUp = up.length === ports.length;
  if (call.args.includes('member')) {
    const members = ports.map(({ name, internalIp }) => ({
      ID: idOf(name),
      name,
      peerURLs: [`https://${internalIp}:2380`],
      clientURLs: [urlOf(internalIp)],
    }));
    say({ header, members });
    return 0;
  }
  if (call.args.includes('health')) {
    const failure = { took: '5s', error: 'context deadline exceeded' };
    say(
      ports.map(({ internalIp, etcd: health }) => ({
        endpoint: urlOf(internalIp),
        health,
        ...(health ? { took: '4ms' } : failure),
      })),
    );
    if (!isAllUp) call.err('Error: unhealthy cluster\n');
  } else {
    say(
      up.map(({ name, internalIp }) => ({
        Endpoint: urlOf(internalIp),
        Status: { header: { ...header, member_id: idOf(name) }, version: '3.6.8', dbSize: 8192, leader, raftTerm: 2 },
      })),
    );
    if (!isAllUp) call.err('Failed to get the status of an endpoint (context deadline exceeded)\n');
  }
  return isAllUp ? 0 : 1;
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
