import type { Phase } from '../chain/phase.ts';
import { controlPlanePods } from '../steps/control-plane/control-plane-pods.ts';
import { controlPlanesHealthy } from '../steps/control-plane/control-planes-healthy.ts';
import { manifestsKept } from '../steps/control-plane/manifests-kept.ts';
import { oidcRestore } from '../steps/control-plane/oidc-restore.ts';
import { quiesce, restoreWorkloads } from '../steps/control-plane/quiesce.ts';
import { drain } from '../steps/drain/drain.ts';
import { evictable } from '../steps/drain/evictable.ts';
import { headroom } from '../steps/drain/headroom.ts';
import { haltNow, haltOnTrigger } from '../steps/health/halt-on-alert.ts';
import { nodesReady } from '../steps/health/nodes-ready.ts';
import { replacements } from '../steps/health/replacements.ts';
import { oneChain } from '../steps/locks/one-chain.ts';
import { rebootLock, takeRebootLock } from '../steps/locks/reboot-lock.ts';
import { containerd, stageContainerd } from '../steps/node/containerd.ts';
import { uncordon } from '../steps/node/cordon.ts';
import { nodeUpgrade, verifyNode } from '../steps/node/node-upgrade.ts';
import { exclude } from '../steps/node/pending-marks.ts';
import { ready } from '../steps/node/ready.ts';
import { stage } from '../steps/node/stage.ts';
import { begin, finish } from '../steps/node/unfinished.ts';
import { noteAway } from '../steps/run/api-away.ts';
import { fitsWindow, noteTook } from '../steps/run/fits-window.ts';

/** One control plane. The name is the runbook's; alerts and habits depend on it. */
export const master: Phase = {
  name: 'master',
  summary: 'upgrade a control plane',
  facts: [],
  checks: [],
  steps: [
    oneChain,
    rebootLock,
    takeRebootLock,
    nodesReady,
    haltNow,
    controlPlanesHealthy,
    // Everything is fetched before the drain: a registry that is down never costs a drained node.
    stage,
    stageContainerd,
    headroom,
    evictable,
    fitsWindow,
    begin,
    exclude,
    drain,
    quiesce,
    containerd,
    nodeUpgrade,
    ready,
    restoreWorkloads,
    verifyNode,
    uncordon,
    controlPlanePods,
    // Before what can say no.
    noteAway,
    oidcRestore,
    replacements,
    manifestsKept,
    haltOnTrigger,
    haltNow,
    noteTook,
    finish,
  ],
};
