import type { Phase } from '../chain/phase.ts';
import { restoreWorkloads } from '../steps/control-plane/quiesce.ts';
import { allOnTarget } from '../steps/health/all-on-target.ts';
import { apiHealth } from '../steps/health/api-health.ts';
import { clusterDns } from '../steps/health/cluster-dns.ts';
import { podReadyRatio, systemPods } from '../steps/health/pods-ready.ts';
import { returnRebootLock, takeRebootLock } from '../steps/locks/reboot-lock.ts';
import { liftLeftMarks } from '../steps/node/pending-marks.ts';
import { compareInventory } from '../steps/run/inventory.ts';
import { clearLatch } from '../steps/run/latch.ts';
import { nextHop } from '../steps/run/next-hop.ts';
import { sayComplete, warnOfAlerts } from '../steps/run/say-complete.ts';
import { smoke } from '../steps/smoke/smoke.ts';

/** Never says "complete" without having looked. */
export const postflight: Phase = {
  name: 'postflight',
  summary: 'look at the whole cluster, then close the run',
  facts: [],
  checks: [],
  steps: [
    takeRebootLock,
    restoreWorkloads,
    liftLeftMarks,
    allOnTarget,
    warnOfAlerts,
    apiHealth,
    clusterDns,
    systemPods,
    podReadyRatio,
    smoke,
    returnRebootLock,
    compareInventory,
    sayComplete,
    clearLatch,
    nextHop,
  ],
};
