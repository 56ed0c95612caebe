import { containerd } from '../steps/containerd.ts';
import { controlPlanesHealthy } from '../steps/control-planes-healthy.ts';
import { drain } from '../steps/drain.ts';
import { haltNow } from '../steps/halt-on-alert.ts';
import { headroom } from '../steps/headroom.ts';
import { nodeUpgrade, verifyNode } from '../steps/node-upgrade.ts';
import { ready, uncordon } from '../steps/node-versions.ts';
import { nodesReady } from '../steps/nodes-ready.ts';
import { oidcRestore } from '../steps/oidc-restore.ts';
import { oneChain } from '../steps/one-chain.ts';
import { quiesce, restoreWorkloads } from '../steps/quiesce.ts';
import { rebootLock, takeRebootLock } from '../steps/reboot-lock.ts';
import { controlPlanePods } from '../steps/smoke.ts';
import { stage } from '../steps/stage.ts';
import { begin, finish } from '../steps/unfinished.ts';
import type { Phase } from './phase.ts';

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
    headroom,
    begin,
    drain,
    quiesce,
    containerd,
    nodeUpgrade,
    ready,
    restoreWorkloads,
    verifyNode,
    uncordon,
    controlPlanePods,
    oidcRestore,
    haltNow,
    finish,
  ],
};
