import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { EtcdSnapshotParameters } from '../../node/scripts.ts';
import { parseEtcdSnapshotReport } from '../../steps/etcd/own-snapshot-report.ts';
import { startTestBench, type TestBench } from './test-bench.ts';
import { CONTROL_PLANE, run, thisNode } from './test-steps.ts';

const DIRECTORY = '/var/lib/nightlift/snapshots';
const ONE = { nodes: [CONTROL_PLANE], published: [] };

function take(bench: TestBench, more: Partial<EtcdSnapshotParameters> = {}) {
  const script = bench.scripts.etcdSnapshot({
    ...thisNode('cp1'),
    target: '1.36.4',
    run: 'first',
    reuseSeconds: 1800,
    directory: DIRECTORY,
    keep: 3,
    restoreProof: 'auto',
    timeLimitSeconds: 20,
    ...more,
  });
  return run(bench, 'cp1', script);
}

/** What lies in the directory, without the lock. */
function kept(bench: TestBench): readonly string[] {
  const directory = bench.nodes.node('cp1').machine.path(DIRECTORY);
  return existsSync(directory) ? readdirSync(directory).filter((name) => name !== '.lock') : [];
}

function notes(bench: TestBench): readonly string[] {
  return kept(bench).filter((name) => name.endsWith('.json'));
}

describe('etcd-snapshot.sh', () => {
  it('D21 keeps a snapshot whose hash, revision and keys are known and that was restored and started', async () => {
    await using bench = await startTestBench(ONE);
    const result = await take(bench);
    expect(result).toMatchObject({ exitCode: 0 });
    expect(result.stdout).toMatch(/an etcd started from it has 321 keys at revision \d+, as many as the cluster/);
    const report = parseEtcdSnapshotReport(result.stdout);
    expect(report).toMatchObject({ bytes: 8224, totalKeys: 321, keys: 321, restored: true, notRestoredWhy: '' });
    const { machine } = bench.nodes.node('cp1');
    const file = machine.path(report?.path ?? '');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(machine.path(DIRECTORY)).mode & 0o777).toBe(0o700);
    expect(JSON.parse(readFileSync(file.replace(/db$/, 'json'), 'utf8'))).toMatchObject(report ?? {});
    expect(kept(bench)).toHaveLength(2);
    expect(bench.nodes.commands.matching(/^etcd --name nightlift-proof .*--client-cert-auth/)).toHaveLength(1);
    expect(readdirSync(machine.path('/run'))).toEqual([]);
  });

  it('takes the snapshot of the same run for as long as it is young, and another one for another run', async () => {
    await using bench = await startTestBench(ONE);
    const first = parseEtcdSnapshotReport((await take(bench)).stdout);
    expect(parseEtcdSnapshotReport((await take(bench)).stdout)).toEqual(first);
    expect(bench.nodes.commands.matching(/snapshot save/)).toHaveLength(1);
    expect(await take(bench, { reuseSeconds: 0 })).toMatchObject({ exitCode: 0 });
    expect(await take(bench, { run: 'second' })).toMatchObject({ exitCode: 0 });
    expect(bench.nodes.commands.matching(/snapshot save/)).toHaveLength(3);
  });

  it('does not take up a file that has changed since', async () => {
    await using bench = await startTestBench(ONE);
    const path = parseEtcdSnapshotReport((await take(bench)).stdout)?.path ?? '';
    writeFileSync(bench.nodes.node('cp1').machine.path(path), 'short');
    expect(await take(bench)).toMatchObject({ exitCode: 0 });
    expect(bench.nodes.commands.matching(/snapshot save/)).toHaveLength(2);
  });

  it('keeps as many as it is told, and removes what was left half-way', async () => {
    await using bench = await startTestBench(ONE);
    const { machine } = bench.nodes.node('cp1');
    mkdirSync(machine.path(`${DIRECTORY}/.proof/member`), { recursive: true });
    for (const left of ['etcd-1.36.3-20261120T230000Z.db.part', 'etcd-1.36.3-20261119T230000Z.json', 'mine.txt'])
      writeFileSync(machine.path(`${DIRECTORY}/${left}`), 'left');
    for (const target of ['1.36.4', '1.36.5', '1.36.6']) await take(bench, { target, run: target, keep: 2 });
    expect(kept(bench).map((name) => name.replace(/-\d{8}T\d{6}Z/, ''))).toEqual([
      'etcd-1.36.5.db',
      'etcd-1.36.5.json',
      'etcd-1.36.6.db',
      'etcd-1.36.6.json',
      'mine.txt',
    ]);
  });

  it('leaves the proof out when it is told to or when the disk has no room for it, and says so', async () => {
    await using bench = await startTestBench(ONE);
    const off = await take(bench, { restoreProof: 'off' });
    expect(off.stdout).toContain('warning: the snapshot was not restored to prove it: snapshot.restoreProof is off');
    bench.nodes.node('cp1').knobs.freeBytes = 268_435_456 + 2.5 * 8192;
    const full = parseEtcdSnapshotReport((await take(bench, { run: 'second' })).stdout);
    expect(full).toMatchObject({
      keys: null,
      restored: false,
      notRestoredWhy: expect.stringMatching(/^\d+ bytes are free, 268460032 are wanted/),
    });
    expect(bench.nodes.commands.matching(/^etcd(utl)? .*(restore|nightlift-proof)/)).toHaveLength(0);
  });

  it('takes one below a directory of which nobody can take away what is not his (sticky, as /tmp)', async () => {
    await using bench = await startTestBench(ONE);
    chmodSync(bench.nodes.node('cp1').machine.path('/var/lib'), 0o1777);
    expect(await take(bench)).toMatchObject({ exitCode: 0 });
  });

  it.each([
    [
      'a full disk',
      28,
      /268435456 bytes are free .* 268451840 are wanted/,
      (bench: TestBench) => void (bench.nodes.node('cp1').knobs.freeBytes = 268_435_456),
    ],
    [
      'an external etcd',
      60,
      /has no etcd of its own/,
      (bench: TestBench) => rmSync(bench.nodes.node('cp1').machine.path('/etc/kubernetes/manifests/etcd.yaml')),
    ],
    [
      'an image without etcdutl',
      61,
      /whose image has etcdctl and etcdutl/,
      (bench: TestBench) => rmSync(bench.nodes.node('cp1').machine.path('/proc/512/root/usr/local/bin/etcdutl')),
    ],
    [
      'a directory below one that others may write',
      61,
      /failed: \/var\/lib, in which \/var\/lib\/nightlift\/snapshots is, can be written by others than root/,
      (bench: TestBench) => chmodSync(bench.nodes.node('cp1').machine.path('/var/lib'), 0o777),
    ],
    [
      'an etcd that is away',
      62,
      /does not answer/,
      (bench: TestBench) => bench.nodes.commands.fail({ match: /^etcdctl .*endpoint status/, exitCode: 1 }),
    ],
    [
      'an etcd without quorum',
      62,
      /no quorum/,
      (bench: TestBench) => bench.nodes.commands.fail({ match: /^etcdctl .* get /, exitCode: 1 }),
    ],
    [
      'a stream that breaks off',
      62,
      /snapshot save did not succeed/,
      (bench: TestBench) => bench.nodes.commands.fail({ match: /snapshot save/, exitCode: 1 }),
    ],
    [
      'a file that is no snapshot',
      63,
      /does not take the file of 8224 bytes/,
      (bench: TestBench) => bench.nodes.commands.fail({ match: /^etcdutl snapshot status/, exitCode: 1 }),
    ],
    [
      'an old state',
      63,
      /has revision 5, etcd had \d+ before/,
      (bench: TestBench) =>
        bench.nodes.commands.fail({
          match: /^etcdutl snapshot status/,
          exitCode: 0,
          stdout: '{"hash":1,"revision":5,"totalKey":9,"totalSize":8192}\n',
        }),
    ],
    [
      'a snapshot that cannot be restored',
      65,
      /restore did not succeed/,
      (bench: TestBench) => bench.nodes.commands.fail({ match: /^etcdutl snapshot restore/, exitCode: 1 }),
    ],
    [
      'an etcd that does not start from it',
      65,
      /did not answer/,
      (bench: TestBench) => bench.nodes.commands.fail({ match: /^etcd --name/, exitCode: 1 }),
    ],
    [
      'keys that are missing in it',
      65,
      /has 7 keys at revision 9999999999, the cluster has 321/,
      (bench: TestBench) =>
        bench.nodes.commands.fail({
          match: /127\.0\.0\.1:\d{5} .* get /,
          exitCode: 0,
          stdout: '"Revision" : 9999999999\n"Count" : 7\n',
        }),
    ],
  ])('D21 tells %s by exit code %i, and keeps nothing', async (_, code, message, bend) => {
    await using bench = await startTestBench(ONE);
    bend(bench);
    const result = await take(bench);
    expect(result).toMatchObject({ exitCode: code });
    expect(result.stderr).toMatch(message);
    expect(result.stderr).toContain('nightlift: what to do: ');
    expect(kept(bench)).toEqual([]);
  });

  it('D21 refuses a snapshot that is older than the last one', async () => {
    await using bench = await startTestBench(ONE);
    await take(bench);
    const [note = ''] = notes(bench);
    const file = bench.nodes.node('cp1').machine.path(`${DIRECTORY}/${note}`);
    writeFileSync(file, readFileSync(file, 'utf8').replace(/"revision":\d+/, '"revision":9999999999'));
    const result = await take(bench, { run: 'second' });
    expect(result).toMatchObject({ exitCode: 64 });
    expect(result.stderr).toMatch(/has revision \d+, the last one \(etcd-1\.36\.4-\S+\.db\) has 9999999999/);
    expect(notes(bench)).toEqual([note]);
  });
});
