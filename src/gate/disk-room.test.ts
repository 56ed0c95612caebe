import { describe, expect, it } from 'vitest';
import { surveyFindings } from '../../test/support/survey-findings.ts';
import { exampleControlPlaneSurvey, exampleFileSystem } from '../facts/example-survey.ts';
import type { NodeSurvey } from '../facts/node-survey.ts';
import { known, unknown } from '../observed.ts';
import { diskRoom } from './disk-room.ts';

type FileSystem = NodeSurvey['fileSystems'][number];
const GB = 1e9;
const disk = (path: string, fields: Partial<FileSystem> = {}): FileSystem => ({
  ...exampleFileSystem(path),
  mount: path,
  bytes: 100 * GB,
  freeBytes: 60 * GB,
  ...fields,
});

function found(node: string, fields: Partial<NodeSurvey>): readonly string[] {
  return surveyFindings(diskRoom, { surveys: { [node]: fields } }).map(
    ({ reason, severity, message }) => `${reason}/${severity} ${message.slice(message.indexOf(`${node} (`))}`,
  );
}

const etcd = exampleControlPlaneSurvey().etcd;
const etcdOf = (directoryBytes: number | null): NodeSurvey['etcd'] =>
  etcd.state?.known === true ? { ...etcd, state: known({ ...etcd.state.value, directoryBytes }) } : etcd;

describe('disk-room', () => {
  it.each<[string, FileSystem[], string[]]>([
    ['there is room', [disk('/'), disk('/var')], []],
    [
      'less is free than wanted, which also is nearly all',
      [disk('/'), disk('/var', { freeBytes: 1.02 * GB })],
      [
        'DiskFull/block w (1020 MB free of 1024 MB wanted on the file system of /var/lib/nightlift)',
        'DiskNearlyFull/warn w (/var 98 %, 1020 MB free)',
      ],
    ],
    ['just enough is free', [disk('/'), disk('/var', { bytes: 2 * GB, freeBytes: 1.024 * GB })], []],
    [
      "Nightlift's own is another one than that of /var",
      [disk('/'), disk('/var', { bytes: 1, freeBytes: 1 }), disk('/var/lib', { bytes: 2 * GB, freeBytes: 1.1 * GB })],
      [],
    ],
    ['85 % are used', [disk('/', { freeBytes: 15 * GB })], []],
    ['more than that', [disk('/', { freeBytes: 14.9 * GB })], ['DiskNearlyFull/warn w (/ 85 %, 14900 MB free)']],
    [
      'two paths are on one, which is said once',
      [disk('/', { freeBytes: 5 * GB }), disk('/usr', { mount: '/', freeBytes: 5 * GB })],
      ['DiskNearlyFull/warn w (/ 95 %, 5000 MB free)'],
    ],
    ['inodes are gone', [disk('/', { inodes: 1000, freeInodes: 49 })], ['InodesFull/block w (/, 49 free)']],
    ['it has no inodes of its own (btrfs)', [disk('/', { inodes: 0, freeInodes: 0 })], []],
    [
      '/usr is read-only and full, as images of it are',
      [disk('/'), disk('/usr', { readOnly: true, freeBytes: 0, freeInodes: 0 })],
      ['FileSystemReadOnly/block w (/usr)'],
    ],
    ['/var is noexec', [disk('/'), disk('/var', { noexec: true })], ['FileSystemNoexec/block w (/var)']],
    [
      'both places that things run from are noexec',
      [disk('/'), disk('/var/lib', { noexec: true }), disk('/var/lib/nightlift', { noexec: true })],
      ['FileSystemNoexec/block w (/var/lib/nightlift; /var/lib)'],
    ],
    ['/tmp is noexec, from which nothing runs', [disk('/'), disk('/tmp', { noexec: true })], []],
    [
      'it has said nothing of its file systems',
      [],
      ['DiskFull/block w (the file system of /var/lib/nightlift is not known)'],
    ],
  ])('when %s', (_name, fileSystems, want) => {
    expect(found('w', { fileSystems })).toEqual(want);
  });

  it.each<[string, number | null, number, string[]]>([
    ['the copy of etcd has room', 2 * GB, 4 * GB, []],
    [
      'it has none',
      3 * GB,
      4 * GB,
      [
        'DiskFull/block cp-1 (4000 MB free of 4024 MB wanted on the file system of /etc/kubernetes, to which kubeadm copies etcd)',
      ],
    ],
    ['its size is not known, and there is room for what else is wanted', null, 4 * GB, []],
  ])('on a control plane when %s', (_name, directoryBytes, freeBytes, want) => {
    const fileSystems = [disk('/', { bytes: 5 * GB, freeBytes }), disk('/var')];
    expect(found('cp-1', { fileSystems, etcd: etcdOf(directoryBytes) })).toEqual(want);
    const elsewhere = { where: 'elsewhere' as const, state: null };
    expect(found('cp-1', { fileSystems, etcd: elsewhere })).toEqual([]);
  });

  it.each<[string, number, number, string, string]>([
    ['old copies of kubeadm', 1.2e9, 0, '/', 'warn'],
    ['what was fetched for other versions', 0, 1.2e9, '/', 'warn'],
    ['both, and it is not enough', 4e8, 4e8, '/', 'block'],
    ['something on another file system', 1.2e9, 0, '/etc/kubernetes', 'block'],
  ])('lets preflight free %s first', (_name, backups, leftovers, mount, severity) => {
    const fileSystems = [disk('/', { freeBytes: 1e8 }), disk('/etc/kubernetes', { mount })];
    const findings = surveyFindings(diskRoom, {
      surveys: {
        w: {
          fileSystems,
          backups: { count: 1, bytes: backups },
          leftovers: { staged: [], units: [], sourceChanged: [], bytes: leftovers },
        },
      },
    });
    expect(findings.filter(({ reason }) => reason === 'DiskFull').map((one) => one.severity)).toEqual([severity]);
  });

  it('wants room for the rest of it when etcd is silent', () => {
    const fileSystems = [disk('/', { bytes: GB, freeBytes: 0.9 * GB }), disk('/var')];
    const silent = { where: 'here' as const, state: unknown('it is away') };
    expect(found('cp-1', { fileSystems, etcd: silent })).toMatchObject(
      [/^DiskFull.*900 MB free of 1024 MB/].map((one) => expect.stringMatching(one) as string),
    );
  });
});
