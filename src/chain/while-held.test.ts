import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../test/support/example-deps.ts';
import { exampleShell } from '../../test/support/example-step.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { createKubeCluster } from '../cluster/kube-cluster.ts';
import { LockLost } from '../errors.ts';
import { whileHeld } from './while-held.ts';

const GONE = new LockLost('keeping the lock of the chain: it could not be renewed');
const lost = {
  assertHeld: () => {
    throw GONE;
  },
};
const { signal } = new AbortController();

/** Everything that the adapter has, by the requests that it sends: POST (but for a question of permissions), PATCH, DELETE. */
const CHANGES: readonly (keyof Cluster)[] = [
  'annotateNamespace',
  'changeRecord',
  'cordon',
  'createClaim',
  'createJob',
  'createJobFromCronJob',
  'deleteClaim',
  'deleteConfigMap',
  'deleteJob',
  'deletePod',
  'evict',
  'mark',
  'markFailed',
  'markUnfinished',
  'quiesce',
  'restart',
  'restore',
  'uncordon',
  'writeConfigMap',
  'writeHeldSince',
  'writeLease',
  'writeRebootLock',
];

describe('what is done while the lock is held', () => {
  it('is every change of the cluster, and none once the lock is lost', async () => {
    const asked: string[] = [];
    const methods = Object.keys(
      createKubeCluster({ client: {}, clock: {}, namespace: '', annotationPrefix: '' } as never),
    ) as (keyof Cluster)[];
    const spies = Object.fromEntries(methods.map((name) => [name, async () => void asked.push(name)]));
    const { cluster } = whileHeld(exampleWorld({ cluster: spies }).deps, lost);
    const refused: string[] = [];
    for (const name of methods) {
      const call = cluster[name] as () => Promise<unknown>;
      await call().catch((error: unknown) => refused.push(error === GONE ? name : String(error)));
    }
    expect(refused.toSorted()).toEqual(CHANGES);
    expect([...asked, ...refused].toSorted()).toEqual(methods.toSorted());
  });

  it('goes through while it is held', async () => {
    const world = exampleWorld();
    await whileHeld(world.deps, { assertHeld: () => undefined }).cluster.cordon('worker-1', 'us', signal);
    expect(world.seen.changes).toEqual(['cordon worker-1']);
  });

  it('is every command on a node; only the connections can still be closed', async () => {
    const shell = exampleShell();
    const guarded = whileHeld(exampleWorld({ deps: { shell } }).deps, lost).shell;
    const node = { name: 'worker-1', internalIp: '192.0.2.1' };
    const script = { name: 'node-state', text: '', variables: {} };
    await expect(guarded.run(node, script, signal)).rejects.toBe(GONE);
    const command = { unit: 'u', script, fence: { generation: 1, holder: 'a' }, timeLimitSeconds: 1 };
    await expect(guarded.runDetached(node, command, { signal, onLine: () => undefined })).rejects.toBe(GONE);
    expect(shell.asked).toEqual([]);
    await guarded.close();
  });
});
