import { z } from 'zod';

const count = z.number().int().nonnegative();

const EtcdSnapshotReport = z.object({
  /** On the node. */
  path: z.string().startsWith('/'),
  bytes: count,
  /** Of `etcdutl snapshot status`. */
  hash: count,
  revision: count,
  totalKeys: count,
  /** Counted in an etcd that was started from it; null when that was left out. */
  keys: count.nullable(),
  restored: z.boolean(),
  /** Empty when it was restored. */
  notRestoredWhy: z.string(),
  takenAt: z.iso.datetime(),
  target: z.string(),
});

/** What etcd-snapshot.sh says of the snapshot that it keeps. */
export type EtcdSnapshotReport = z.infer<typeof EtcdSnapshotReport>;

const PREFIX = 'nightlift-snapshot\t';

/** The last report in the output of etcd-snapshot.sh; undefined when there is none that is whole, which is never a success. Pure. */
export function parseEtcdSnapshotReport(output: string): EtcdSnapshotReport | undefined {
  for (const line of output.split('\n').toReversed()) {
    if (!line.startsWith(PREFIX)) continue;
    const report = EtcdSnapshotReport.safeParse(jsonOf(line.slice(PREFIX.length)));
    if (report.success) return report.data;
  }
  return undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
