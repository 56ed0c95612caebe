import type { GateContext } from './check.ts';
import { type NodeRule, nodeCheck, type SurveyedNode, when } from './surveyed.ts';

/** What an operator should know of before a night; it is where a kubelet begins to delete images too (imagefs.available<15%). */
const FULL = 0.85;
/** Below it a kubelet evicts pods (its default evictionHard, nodefs.inodesFree<5%). */
const FEWEST_INODES = 0.05;

type FileSystem = SurveyedNode['survey']['fileSystems'][number];

/** df knows what was asked for: the first of these that is there is where the file would be written. */
function behind({ survey }: SurveyedNode, ...paths: readonly string[]): FileSystem | undefined {
  for (const path of paths) {
    const found = survey.fileSystems.find((one) => one.path === path);
    if (found !== undefined) return found;
  }
  return undefined;
}

const copies = (surveyed: SurveyedNode): FileSystem | undefined => behind(surveyed, '/etc/kubernetes', '/');
const own = (surveyed: SurveyedNode): FileSystem | undefined =>
  behind(surveyed, '/var/lib/nightlift', '/var/lib', '/var', '/');

/** Each file system once, by the first path that was asked for on it. */
function fileSystemsOf({ survey }: SurveyedNode): readonly FileSystem[] {
  return [...new Map(survey.fileSystems.toReversed().map((one) => [one.mount, one])).values()].toReversed();
}

const megabytes = (bytes: number): string => `${Math.floor(bytes / 1_000_000)} MB`;
const percent = (share: number): string => `${Math.floor(share * 100)} %`;

interface Need {
  readonly place: string;
  readonly found: FileSystem | undefined;
  readonly wanted: number;
}

/** What stage.sh wants, and says no to on the node's own turn. */
function needsOf(surveyed: SurveyedNode, { options }: GateContext): readonly Need[] {
  const wanted = options.packages.freeMegabytes * 1_000_000;
  const { where, state } = surveyed.survey.etcd;
  const needs = [{ place: '/var/lib/nightlift', found: own(surveyed), wanted }];
  if (where !== 'here') return needs;
  // kubeadm copies the data of etcd before it changes etcd.
  const copy = state?.known === true ? (state.value.directoryBytes ?? 0) : 0;
  const place = '/etc/kubernetes, to which kubeadm copies etcd';
  return [...needs, { place, found: copies(surveyed), wanted: wanted + copy }];
}

/** Before that is asked, preflight deletes old copies of kubeadm (I17), and stage.sh what was fetched for other versions. */
function canBeFreed(surveyed: SurveyedNode, { found }: Need): number {
  const { backups, leftovers } = surveyed.survey;
  return (
    (found?.mount === copies(surveyed)?.mount ? backups.bytes : 0) +
    (found?.mount === own(surveyed)?.mount ? leftovers.bytes : 0)
  );
}

/** `isFew`: not even with what can be freed there is enough. */
const lacking =
  (isFew: boolean): NodeRule['problems'] =>
  (surveyed, context) =>
    needsOf(surveyed, context).flatMap((need) => {
      const { place, found, wanted } = need;
      if (found === undefined) return when(isFew, `the file system of ${place} is not known`);
      const few = found.freeBytes + canBeFreed(surveyed, need) < wanted;
      return when(
        found.freeBytes < wanted && few === isFew,
        `${megabytes(found.freeBytes)} free of ${megabytes(wanted)} wanted on the file system of ${place}`,
      );
    });

/** Packages, images and kubeadm's copies have room, and a place that they can be written to and run from. */
export const diskRoom = nodeCheck('disk-room', [
  {
    reason: 'DiskFull',
    severity: 'block',
    said: 'less is free than the upgrade needs',
    remedy:
      "Make room: df -h shows where, and kubeadm's old copies are in /etc/kubernetes/tmp. packages.freeMegabytes of Nightlift's settings says how much is wanted.",
    problems: lacking(true),
  },
  {
    reason: 'DiskFull',
    severity: 'warn',
    said: 'less is free than the upgrade needs, unless what is left of earlier upgrades and deleted before this one is enough',
    remedy:
      'Nothing, when it is; it is asked once more before anything is fetched. Room can be made in /etc/kubernetes/tmp and /var/lib/nightlift.',
    problems: lacking(false),
  },
  {
    reason: 'DiskNearlyFull',
    severity: 'warn',
    said: `file systems that are more than ${percent(FULL)} full`,
    remedy: 'Make room soon: df -h and crictl images show what takes it; crictl rmi --prune deletes unused images.',
    problems: (surveyed) =>
      fileSystemsOf(surveyed)
        .filter(({ bytes, freeBytes, readOnly }) => !readOnly && bytes > 0 && 1 - freeBytes / bytes > FULL)
        .map(({ path, bytes, freeBytes }) => `${path} ${percent(1 - freeBytes / bytes)}, ${megabytes(freeBytes)} free`),
  },
  {
    reason: 'InodesFull',
    severity: 'block',
    said: `less than ${percent(FEWEST_INODES)} of the inodes are free`,
    remedy: 'Delete files that nobody needs: df -i and du --inodes show where they are.',
    problems: (surveyed) =>
      fileSystemsOf(surveyed)
        .filter(({ inodes, freeInodes, readOnly }) => !readOnly && inodes > 0 && freeInodes / inodes < FEWEST_INODES)
        .map(({ path, freeInodes }) => `${path}, ${freeInodes} free`),
  },
  {
    reason: 'FileSystemReadOnly',
    severity: 'block',
    said: 'file systems that are read-only, so that nothing can be installed',
    remedy: 'Find out why (dmesg names a disk that failed), then: mount -o remount,rw PATH',
    problems: (surveyed) =>
      fileSystemsOf(surveyed)
        .filter(({ readOnly }) => readOnly)
        .map(({ path }) => path),
  },
  {
    reason: 'FileSystemNoexec',
    severity: 'block',
    said: "file systems that nothing can be run from: the target's kubeadm lies under /var/lib/nightlift, and the scripts of packages under /var/lib/dpkg",
    remedy: 'On each: mount -o remount,exec PATH, and take noexec out of /etc/fstab.',
    problems(surveyed) {
      const found = [own(surveyed), behind(surveyed, '/var/lib', '/var', '/')].filter((one) => one?.noexec === true);
      return [...new Set(found.map((one) => one?.mount ?? ''))];
    },
  },
]);
