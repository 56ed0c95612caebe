import { badInputNight } from './bad-input-night.ts';
import { batchNight } from './batch-night.ts';
import { budgetNight } from './budget-night.ts';
import { byHandNight } from './by-hand-night.ts';
import { containerdNight } from './containerd-night.ts';
import { diesNight } from './dies-night.ts';
import { downNight } from './down-night.ts';
import { externalEtcdNight } from './external-etcd-night.ts';
import { gateNight } from './gate-night.ts';
import { haMinorNight, haNight } from './ha-night.ts';
import { hostNight } from './host-night.ts';
import { imageNight } from './image-night.ts';
import { dualNight, ipv6Night } from './ipv6-night.ts';
import { killNight } from './kill-night.ts';
import { minorNight } from './minor-night.ts';
import { oddNight } from './odd-night.ts';
import { oddRefusedNight } from './odd-refused-night.ts';
import { oneNodeNight } from './one-node-night.ts';
import { patchNight } from './patch-night.ts';
import { pathNight } from './path-night.ts';
import { pathOneVerbNight } from './path-one-verb-night.ts';
import type { Scenario } from './scenario.ts';
import { smokeNight } from './smoke-night.ts';
import { twoNight } from './two-night.ts';
import { upgradeOnlyNight } from './upgrade-only-night.ts';

/** In the order in which they run: neighbours share a cluster, which gets a newer patch each night and at last the minor. */
export const scenarios: readonly Scenario[] = [
  haNight,
  haMinorNight,
  twoNight,
  oneNodeNight,
  pathNight,
  pathOneVerbNight,
  batchNight,
  containerdNight,
  oddNight,
  oddRefusedNight,
  externalEtcdNight,
  ipv6Night,
  dualNight,
  patchNight,
  byHandNight,
  upgradeOnlyNight,
  hostNight,
  killNight,
  badInputNight,
  imageNight,
  budgetNight,
  smokeNight,
  diesNight,
  downNight,
  gateNight,
  minorNight,
];
