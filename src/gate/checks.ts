import { addonCompat } from './addon-compat.ts';
import { budgets } from './budgets.ts';
import { certificates } from './certificates.ts';
import type { Check } from './check.ts';
import { componentFlags } from './component-flags.ts';
import { containerRuntime } from './container-runtime.ts';
import { diskRoom } from './disk-room.ts';
import { etcdState } from './etcd-state.ts';
import { firingAlerts } from './firing-alerts.ts';
import { kubeadmApi } from './kubeadm-api.ts';
import { kubeadmPatches } from './kubeadm-patches.ts';
import { leftovers } from './leftovers.ts';
import { nodeAddresses } from './node-addresses.ts';
import { nodeClocks } from './node-clocks.ts';
import { nodeIdentity } from './node-identity.ts';
import { nodeKernel } from './node-kernel.ts';
import { nodeSurvey } from './node-survey.ts';
import { nodeSystem } from './node-system.ts';
import { nodesReady } from './nodes-ready.ts';
import { packageSources } from './package-sources.ts';
import { packageState } from './package-state.ts';
import { permissions } from './permissions.ts';
import { quietBaseline } from './quiet-baseline.ts';
import { removedApis } from './removed-apis.ts';
import { runtimeSocket } from './runtime-socket.ts';
import { staticPods } from './static-pods.ts';
import { stuckPods } from './stuck-pods.ts';
import { versionSkew } from './version-skew.ts';

/** What the target itself is asked, in the detection and again first thing in preflight. */
export const gateChecks: readonly Check[] = [addonCompat, removedApis, containerRuntime];

/** What the nodes are asked of what they say of themselves: in the detection, and in preflight when all of them have answered. */
export const surveyChecks: readonly Check[] = [
  nodeSurvey,
  nodeIdentity,
  nodeSystem,
  nodeKernel,
  nodeClocks,
  diskRoom,
  packageSources,
  packageState,
  runtimeSocket,
  componentFlags,
  staticPods,
  kubeadmPatches,
  certificates,
  etcdState,
  leftovers,
];

/** What the cluster is asked right before the first change. */
export const preflightChecks: readonly Check[] = [
  versionSkew,
  kubeadmApi,
  nodesReady,
  nodeAddresses,
  quietBaseline,
  firingAlerts,
  permissions,
  budgets,
  stuckPods,
];
