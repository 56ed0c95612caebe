import type { Phase } from '../chain/phase.ts';
import { restoreWorkloads } from '../steps/control-plane/quiesce.ts';
import { drain } from '../steps/drain/drain.ts';
import { evictable } from '../steps/drain/evictable.ts';
import { headroom } from '../steps/drain/headroom.ts';
import { haltAfterWaiting, soak } from '../steps/health/halt-on-alert.ts';
import { nodesReady } from '../steps/health/nodes-ready.ts';
import { daemonSets } from '../steps/health/pods-ready.ts';
import { replacements } from '../steps/health/replacements.ts';
import { oneChain } from '../steps/locks/one-chain.ts';
import { rebootLock, takeRebootLock } from '../steps/locks/reboot-lock.ts';
import { uncordon } from '../steps/node/cordon.ts';
import { nodeUpgrade, verifyNode } from '../steps/node/node-upgrade.ts';
import { exclude } from '../steps/node/pending-marks.ts';
import { ready } from '../steps/node/ready.ts';
import { stage } from '../steps/node/stage.ts';
import { begin, finish } from '../steps/node/unfinished.ts';
import { fitsWindow, noteTook } from '../steps/run/fits-window.ts';
import { smokeOfWorker } from '../steps/smoke/smoke.ts';

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
    evictable,
    fitsWindow,
    begin,
    exclude,
    drain,
    nodeUpgrade,
    ready,
    verifyNode,
    uncordon,
    daemonSets,
    replacements,
    soak,
    smokeOfWorker,
    noteTook,
    finish,
  ],
};
