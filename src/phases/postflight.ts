import { clearLatch } from '../steps/latch.ts';
import { restoreWorkloads } from '../steps/quiesce.ts';
import { returnRebootLock, takeRebootLock } from '../steps/reboot-lock.ts';
import { sayComplete, warnOfAlerts } from '../steps/say-complete.ts';
import { allOnTarget, apiHealth, clusterDns, podReadyRatio, systemPods } from '../steps/smoke.ts';
import type { Phase } from './phase.ts';

/** Never says "complete" without having looked. */
export const postflight: Phase = {
  name: 'postflight',
  summary: 'look at the whole cluster, then close the run',
  facts: [],
  checks: [],
  steps: [
    takeRebootLock,
    restoreWorkloads,
    allOnTarget,
    warnOfAlerts,
    apiHealth,
    clusterDns,
    systemPods,
    podReadyRatio,
    returnRebootLock,
    sayComplete,
    clearLatch,
  ],
};
