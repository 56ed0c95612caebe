import { addonCompat } from './addon-compat.ts';
import { budgets } from './budgets.ts';
import type { Check } from './check.ts';
import { containerRuntime } from './container-runtime.ts';
import { firingAlerts } from './firing-alerts.ts';
import { nodeAddresses } from './node-addresses.ts';
import { nodeSurvey } from './node-survey.ts';
import { nodesReady } from './nodes-ready.ts';
import { permissions } from './permissions.ts';
import { quietBaseline } from './quiet-baseline.ts';
import { removedApis } from './removed-apis.ts';
import { stuckPods } from './stuck-pods.ts';
import { versionSkew } from './version-skew.ts';

/** What the target itself is asked, in the detection and again first thing in preflight. */
export const gateChecks: readonly Check[] = [addonCompat, removedApis, containerRuntime];

/** What the nodes are asked of what they say of themselves: in the detection, and in preflight when all of them have answered. */
export const surveyChecks: readonly Check[] = [nodeSurvey];

/** What the cluster is asked right before the first change. */
export const preflightChecks: readonly Check[] = [
  versionSkew,
  nodesReady,
  nodeAddresses,
  quietBaseline,
  firingAlerts,
  permissions,
  budgets,
  stuckPods,
];
