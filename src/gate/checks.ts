import type { FactPart } from '../facts/facts.ts';
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
import { promotion } from './promotion.ts';
import { quietBaseline } from './quiet-baseline.ts';
import { removedApis } from './removed-apis.ts';
import { runtimeSocket } from './runtime-socket.ts';
import { staticPods } from './static-pods.ts';
import { stuckPods } from './stuck-pods.ts';
import { versionSkew } from './version-skew.ts';

/** What the target itself is asked, in the detection and again first thing in preflight. */
export const gateChecks: readonly Check[] = [addonCompat, removedApis, containerRuntime, promotion];

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

/** What the cluster is asked as it is now: in the detection, and again right before the first change. */
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

/** What these checks have to know. */
export function partsFor(checks: readonly Check[]): readonly FactPart[] {
  return [...new Set(checks.flatMap(({ reads }) => reads))];
}

/**
 * What of it somebody cannot ask, and preflight does: permissions are those of the account that asks, which is another one;
 * the accounts of detector and report evict nothing, also not with `dryRun`; nor do they read
 * `kubeadm-config`; not everybody has a key for the nodes.
 */
const CANNOT_ASK = {
  detector: ['permissions', 'budgets', 'kubeadmApi'],
  report: ['permissions', 'budgets', 'kubeadmApi', 'surveys'],
  person: ['permissions'],
  'person without a key': ['permissions', 'surveys'],
} as const satisfies Readonly<Record<string, readonly FactPart[]>>;

export type Asker = keyof typeof CANNOT_ASK;

export function canAsk(asker: Asker, parts: readonly FactPart[]): readonly FactPart[] {
  const not: readonly FactPart[] = CANNOT_ASK[asker];
  return parts.filter((part) => !not.includes(part));
}
