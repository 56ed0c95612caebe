import { describe, expect, it } from 'vitest';
import type { JobOrigin } from '../../cluster/cluster.ts';
import { fileOnNode, parseFileSize } from './snapshot-on-node.ts';

const origin = (hostPaths: JobOrigin['hostPaths'], node: string | null = 'cp1'): JobOrigin => ({
  createdAt: '2026-11-21T23:00:00Z',
  cronJob: 'c',
  run: 'r',
  program: 'p',
  node,
  hostPaths,
});

describe('fileOnNode', () => {
  const backup = { inPod: '/backup', onNode: '/var/lib/etcd-backup' };
  it.each<[string, string, JobOrigin, object | undefined]>([
    [
      'a file in a directory of the node',
      '/backup/a.db',
      origin([backup]),
      { node: 'cp1', file: '/var/lib/etcd-backup/a.db' },
    ],
    [
      'the innermost of several',
      '/backup/x/a.db',
      origin([backup, { inPod: '/backup/x', onNode: '/x' }]),
      { node: 'cp1', file: '/x/a.db' },
    ],
    ['the whole node', '/host/a.db', origin([{ inPod: '/host/', onNode: '/' }]), { node: 'cp1', file: '/a.db' }],
    ['a directory of almost that name', '/backup2/a.db', origin([backup]), undefined],
    ['a claim', '/backup/a.db', origin([]), undefined],
    ['an upload', 's3://bucket/a.db', origin([backup]), undefined],
    ['a pod that no node is known of', '/backup/a.db', origin([backup], null), undefined],
    ['a path that leads out of it', '/backup/../etc/shadow', origin([backup]), undefined],
  ])('%s', (_title, file, from, want) => {
    expect(fileOnNode(file, from)).toEqual(want);
  });
});

describe('parseFileSize', () => {
  it.each<[string, number | 'absent' | undefined]>([
    ['x\nnightlift-file\t734003200\n', 734_003_200],
    ['nightlift-file\t0\n', 0],
    ['nightlift-file\tabsent\n', 'absent'],
    ['', undefined],
    ['nightlift-file\t\n', undefined],
    ['nightlift-file\t-1\n', undefined],
    [' nightlift-file\t1\n', undefined],
  ])('%j', (output, want) => {
    expect(parseFileSize(output)).toBe(want);
  });
});
