import { Refused } from '../../chain/outcome.ts';
import type { Context } from '../../chain/phase.ts';
import { noteSnapshot } from '../../chain/run-history.ts';
import { recordRun } from '../../chain/run-record.ts';
import { NightliftError } from '../../errors.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { controlPlanes } from '../../facts/nodes.ts';
import type { Finding } from '../../gate/finding.ts';
import { pushGauges } from '../../metrics/gauges.ts';
import { explainFailure } from '../../node/explain-failure.ts';
import { scriptsOf, thisNode } from '../../node/node-scripts.ts';
import { nodeFailure, runDetachedOnNode } from '../../node/run-on-node.ts';
import { readRun } from '../../observe/run-record.ts';
import { type EtcdSnapshotReport, parseEtcdSnapshotReport } from './own-snapshot-report.ts';

/** Exit codes of etcd-snapshot.sh by which nothing was tried: this cluster has to be backed up in another way. */
const NOT_POSSIBLE = [28, 60, 61];

/** Takes a snapshot over SSH and proves it, for clusters that have no CronJob for it (D21). */
export async function takeEtcdSnapshot(context: Context): Promise<void> {
  const { deps, signal } = context;
  const { minimumBytes, required } = deps.settings.snapshot;
  const node = controlPlanes(await deps.cluster.controlPlanes(signal)).find(({ ready }) => ready === 'yes');
  if (node === undefined) {
    throw new NightliftError('cluster', 'taking the etcd snapshot: no control plane is Ready', {
      remedy: 'Bring a control plane to Ready: kubectl describe nodes. Nothing was upgraded.',
    });
  }
  const report = await reportFrom(context, node);
  if ('finding' in report) {
    if (required) throw new Refused([report.finding]);
    deps.log.warn(`no etcd snapshot: ${report.finding.message}`, { remedy: report.finding.remedy });
    return;
  }
  if (report.bytes < minimumBytes) {
    throw new NightliftError(
      'phase',
      `taking the etcd snapshot on ${node.name}: ${report.path} has ${report.bytes} bytes, less than ${minimumBytes}`,
      { remedy: 'Look at etcd, or lower snapshot.minimumBytes; nothing was upgraded.' },
    );
  }
  const { path, bytes, hash, revision, totalKeys, keys, restored } = report;
  await recordRun(context, { 'snapshot-path': `${node.name}:${path}`, 'snapshot-bytes': String(bytes) });
  await noteSnapshot(context, { path: `${node.name}:${path}`, bytes, hash: String(hash) });
  await pushGauges(context, { k8s_upgrade_snapshot_taken: 1 });
  deps.log.info('etcd snapshot taken', {
    node: node.name,
    file: path,
    bytes,
    hash,
    revision,
    totalKeys,
    keys,
    restored,
  });
}

async function reportFrom(context: Context, node: NodeFact): Promise<EtcdSnapshotReport | { finding: Finding }> {
  const { deps, target } = context;
  const { directory, keep, maxAgeSeconds, restoreProof } = deps.settings.snapshot;
  const script = scriptsOf(deps).etcdSnapshot({
    ...thisNode(node),
    target,
    run: (await readRun(context))['run'] ?? '',
    reuseSeconds: maxAgeSeconds,
    directory,
    keep,
    restoreProof,
    timeLimitSeconds: deps.settings.waits.snapshotSeconds,
  });
  const attempt = () => runDetachedOnNode(context, node, script, 'etcd-snapshot', NOT_POSSIBLE);
  let result = await attempt();
  // A command whose end nobody saw: its snapshot may be hours old by now.
  if (
    result.exitCode === 0 &&
    result.attached &&
    isOld(parseEtcdSnapshotReport(result.tail), maxAgeSeconds, deps.clock.now())
  )
    result = await attempt();
  const { exitCode, tail } = result;
  if (NOT_POSSIBLE.includes(exitCode)) return { finding: notPossible(node, script.name, exitCode, tail) };
  if (exitCode !== 0) throw nodeFailure(node, script, 'taking the etcd snapshot', exitCode, tail);
  const report = parseEtcdSnapshotReport(tail);
  if (report !== undefined) return report;
  throw new NightliftError(
    'node',
    `taking the etcd snapshot on ${node.name}: ${script.name}.sh ended well and printed no line "nightlift-snapshot"`,
    { remedy: 'An edited copy must print it; take the script that Nightlift brings. Nothing was upgraded.' },
  );
}

function isOld(report: EtcdSnapshotReport | undefined, maxAgeSeconds: number, now: Date): boolean {
  return report !== undefined && now.getTime() - Date.parse(report.takenAt) > maxAgeSeconds * 1000;
}

function notPossible(node: NodeFact, script: string, exitCode: number, tail: string): Finding {
  const { message, remedy } = explainFailure(script, exitCode, tail);
  return {
    check: 'snapshot',
    reason: 'SnapshotNotPossible',
    class: 'actionable',
    severity: 'block',
    message: `An etcd snapshot is required and cannot be taken on ${node.name}: ${message}`,
    remedy,
  };
}
