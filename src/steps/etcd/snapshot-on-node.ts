import type { Context } from '../../chain/phase.ts';
import type { JobOrigin } from '../../cluster/cluster.ts';
import { scriptsOf, thisNode } from '../../node/node-scripts.ts';
import { runOnNode } from '../../node/run-on-node.ts';
import type { SnapshotReport } from './snapshot-log.ts';

/** Where a file of a pod is on its node; undefined when only the pod sees it (a claim, NFS, an upload). Pure. */
export function fileOnNode(file: string, { node, hostPaths }: JobOrigin): { node: string; file: string } | undefined {
  const within = ({ inPod }: { readonly inPod: string }): boolean => file.startsWith(`${inPod.replace(/\/+$/, '')}/`);
  // The innermost mount is the one that the file is in.
  const mount = hostPaths.filter(within).toSorted((a, b) => b.inPod.length - a.inPod.length)[0];
  if (node === null || mount === undefined || file.split('/').includes('..')) return undefined;
  const base = mount.inPod.replace(/\/+$/, '');
  return { node, file: `${mount.onNode.replace(/\/+$/, '')}${file.slice(base.length)}` };
}

const LINE = /^nightlift-file\t(?<size>\d+|absent)$/m;

/** Bytes by file-size.sh; 'absent' when there is no such file, undefined when it says nothing. Pure. */
export function parseFileSize(output: string): number | 'absent' | undefined {
  const size = LINE.exec(output)?.groups?.['size'];
  return size === undefined || size === 'absent' ? size : Number(size);
}

/** Looks at the bytes where the Job says that they are. Returns what is wrong with them; undefined when nothing is, or nobody but the pod can see them. */
export async function problemOnNode(
  context: Context,
  report: SnapshotReport,
  origin: JobOrigin,
): Promise<string | undefined> {
  const { deps, signal } = context;
  const place = fileOnNode(report.file, origin);
  if (place === undefined) {
    deps.log.info('the bytes of the snapshot are not on a node, so only its Job was asked', { file: report.file });
    return undefined;
  }
  const node = await deps.cluster.node(place.node, signal);
  if (node === undefined) return `it was written on ${place.node}, and there is no such node any more`;
  const script = scriptsOf(deps).fileSize({ ...thisNode(node), file: place.file });
  const found = parseFileSize(await runOnNode(deps, node, script, 'looking at the etcd snapshot', signal));
  if (found === report.bytes) return undefined;
  const there = found === 'absent' ? 'is not there' : found === undefined ? 'cannot be seen' : `has ${found} bytes`;
  return `it says that ${report.file} has ${report.bytes} bytes, and ${place.file} on ${place.node} ${there}`;
}
