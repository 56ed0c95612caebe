import { gateChecks, preflightChecks } from '../gate/gate.ts';
import { controlPlanesHealthy } from '../steps/control-planes-healthy.ts';
import { setLatch } from '../steps/latch.ts';
import { liftLeftCordons } from '../steps/left-cordons.ts';
import { oneChain } from '../steps/one-chain.ts';
import { plan } from '../steps/plan.ts';
import { pruneBackups } from '../steps/prune-backups.ts';
import { restoreWorkloads } from '../steps/quiesce.ts';
import { rebootLock, takeRebootLock } from '../steps/reboot-lock.ts';
import { snapshot } from '../steps/snapshot.ts';
import type { Phase } from './phase.ts';

/** Everything that can say no says it here, before the first change. */
export const preflight: Phase = {
  name: 'preflight',
  summary: 'gate, health, plan, etcd snapshot',
  facts: ['nodes', 'apiServer', 'workloads', 'deprecatedApis', 'alerts', 'budgets', 'permissions'],
  checks: [...gateChecks, ...preflightChecks],
  steps: [
    oneChain,
    rebootLock,
    takeRebootLock,
    restoreWorkloads,
    liftLeftCordons,
    controlPlanesHealthy,
    plan,
    pruneBackups,
    setLatch,
    snapshot,
  ],
};
