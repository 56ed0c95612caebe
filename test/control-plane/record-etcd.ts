import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { formatRecording } from '../lab/recording.ts';
import { createEtcdMembers } from './etcd-members.ts';

/**
 * Records what a real etcd says of its members, as control-plane-health.sh asks it, in every state that the parser has
 * to tell apart: node test/control-plane/record-etcd.ts DIRECTORY_OF_ETCD_AND_ETCDCTL VERSION
 */
const [programs = '', version = ''] = process.argv.slice(2);
const OUT = resolve(import.meta.dirname, '../fixtures/recorded/etcd', version);
const QUESTIONS = {
  members: ['member', 'list'],
  status: ['endpoint', 'status', '--cluster'],
  health: ['endpoint', 'health', '--cluster'],
} as const;
const PKI = '/etc/kubernetes/pki/etcd';
const THREE = ['cp1', 'cp2', 'cp3'];
/** A leader is missed after one second, and chosen anew within another. */
const ELECTION_MS = 3000;

mkdirSync(OUT, { recursive: true });
await using etcd = createEtcdMembers(programs, '127.77.0');

function record(state: string, client?: string): void {
  for (const [question, args] of Object.entries(QUESTIONS)) {
    const { words, ...result } = etcd.etcdctl([...args, '-w', 'json'], client);
    const command = `etcdctl ${words.join(' ')}`.replaceAll(/\b([\w-]+\.(crt|key))\b/g, `${PKI}/$1`);
    const text = formatRecording({ command, ...result }).replaceAll('127.77.0.', '192.0.2.');
    writeFileSync(join(OUT, `${state}-${question}.txt`), text);
    console.log(`${state} ${question}: exit ${result.exitCode}`);
  }
}

etcd.start('cp1', ['cp1']);
await etcd.untilHealthy(1);
record('single');
await etcd.stop('cp1');
etcd.forget('cp1');

for (const name of THREE) etcd.start(name, THREE);
await etcd.untilHealthy(3);
record('well');
record('expired-client', 'expired');

etcd.etcdctl(['member', 'add', 'cp4', '--learner', '--peer-urls', `https://${etcd.addressOf('cp4')}:2380`]);
record('not-started');
etcd.start('cp4', [...THREE, 'cp4'], { newInCluster: true });
await pause(ELECTION_MS);
record('learner');
const learner = /^(\w+), started, cp4/m.exec(etcd.etcdctl(['member', 'list']).stdout)?.[1] ?? '';
etcd.etcdctl(['member', 'remove', learner]);
await etcd.stop('cp4');

await etcd.stop('cp3');
etcd.start('cp3', THREE, { expiredCertificate: true });
await pause(ELECTION_MS);
record('expired-server');
await etcd.stop('cp3');
record('member-down');
await etcd.stop('cp2');
await pause(ELECTION_MS);
record('no-quorum');
await etcd.stop('cp1');
record('down');

for (const name of THREE) etcd.start(name, THREE, { quotaBytes: 65_536 });
await etcd.untilHealthy(3);
for (let index = 0; index < 6; index += 1) etcd.etcdctl(['put', `key${index}`, 'x'.repeat(30_000)]);
record('nospace');
