import { drain } from '../steps/drain.ts';
import { haltAfterWaiting, soak } from '../steps/halt-on-alert.ts';
import { headroom } from '../steps/headroom.ts';
import { nodeUpgrade, verifyNode } from '../steps/node-upgrade.ts';
import { ready, uncordon } from '../steps/node-versions.ts';
import { nodesReady } from '../steps/nodes-ready.ts';
import { oneChain } from '../steps/one-chain.ts';
import { restoreWorkloads } from '../steps/quiesce.ts';
import { rebootLock, takeRebootLock } from '../steps/reboot-lock.ts';
import { daemonSets } from '../steps/smoke.ts';
import { stage } from '../steps/stage.ts';
import { begin, finish } from '../steps/unfinished.ts';
import type { Phase } from './phase.ts';

export const worker: Phase = {
  name: 'worker',
  summary: 'upgrade a worker',
  facts: [],
  checks: [],
  steps: [
    oneChain,
    rebootLock,
    takeRebootLock,
    restoreWorkloads,
    nodesReady,
    haltAfterWaiting,
    stage,
    headroom,
    begin,
    drain,
    nodeUpgrade,
    ready,
    verifyNode,
    uncordon,
    daemonSets,
    soak,
    finish,
  ],
};
