import { beforeChange } from '../chain/checks.ts';
import type { Phase } from '../chain/phase.ts';
import { partsFor } from '../gate/checks.ts';
import { controlPlanesHealthy } from '../steps/control-plane/control-planes-healthy.ts';
import { plan } from '../steps/control-plane/kubeadm-plan.ts';
import { manifestChanges } from '../steps/control-plane/manifest-changes.ts';
import { oidcRestoreKnown } from '../steps/control-plane/oidc-restore.ts';
import { pruneBackups } from '../steps/control-plane/prune-backups.ts';
import { restoreWorkloads } from '../steps/control-plane/quiesce.ts';
import { snapshot } from '../steps/etcd/snapshot.ts';
import { noteBroken } from '../steps/health/broken-before.ts';
import { nodesAnswer } from '../steps/health/nodes-answer.ts';
import { oneChain } from '../steps/locks/one-chain.ts';
import { rebootLock, takeRebootLock } from '../steps/locks/reboot-lock.ts';
import { stageContainerds } from '../steps/node/containerd.ts';
import { liftLeftCordons } from '../steps/node/left-cordons.ts';
import { markPending } from '../steps/node/pending-marks.ts';
import { stageAll } from '../steps/node/stage-all.ts';
import { noteInventory } from '../steps/run/inventory.ts';
import { setLatch } from '../steps/run/latch.ts';
import { noteForSmoke } from '../steps/smoke/smoke.ts';

/** Everything that can say no says it here, before the first change; what the nodes say of themselves, in a step, which waits for those that are away. */
export const preflight: Phase = {
  name: 'preflight',
  summary: 'gate, health, plan, etcd snapshot',
  facts: partsFor(beforeChange),
  checks: beforeChange,
  steps: [
    oneChain,
    rebootLock,
    oidcRestoreKnown,
    nodesAnswer,
    takeRebootLock,
    restoreWorkloads,
    liftLeftCordons,
    controlPlanesHealthy,
    // They may be what fills the disk that packages and images have to go to.
    pruneBackups,
    // A registry, a mirror or a full disk on the last worker is known before the first control plane is touched.
    stageAll,
    stageContainerds,
    plan,
    manifestChanges,
    setLatch,
    noteBroken,
    noteInventory,
    noteForSmoke,
    snapshot,
    markPending,
  ],
};
