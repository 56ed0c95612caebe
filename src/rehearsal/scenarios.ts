import { stringify } from 'yaml';
import { deployments, podDisruptionBudgets } from './api/resources.ts';
import { nodeViews } from './cluster-view.ts';
import type { Scenario } from './scenario.ts';
import {
  appliedOnce,
  isCordoned,
  kill,
  kubeadmRunsOn,
  masterRuns,
  nothingChanged,
  nothingEvicted,
} from './scenario-events.ts';
import type { ScenarioName } from './scenario-names.ts';
import { workload } from './system-objects.ts';
import type { AddonWorkload, Topology } from './topology.ts';

const PATCH: Topology = { controlPlanes: 1, workers: 2, version: '1.36.3', published: ['1.36.4'] };
const MINOR: Topology = { controlPlanes: 1, workers: 2, version: '1.35.8', published: ['1.36.4'] };
const CALICO: AddonWorkload = {
  kind: 'DaemonSet',
  namespace: 'kube-system',
  name: 'calico-node',
  image: 'quay.io/calico/node:v3.32.1',
};
/** Goes up to 1.35; 1.21 goes up to 1.36. */
const OLD_CERT_MANAGER: AddonWorkload = {
  kind: 'Deployment',
  namespace: 'cert-manager',
  name: 'cert-manager',
  image: 'quay.io/jetstack/cert-manager-controller:v1.20.2',
};
const UPGRADED = /UPGRADED — all nodes now on/;

const all = (version: string) => () => version;

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'patch',
    summary: 'A patch is out: 1.36.4 for a cluster on 1.36.3.',
    topology: PATCH,
    leastWorkers: 1,
    expect: { outcome: 'upgraded', target: '1.36.4', version: all('1.36.4'), report: UPGRADED },
  },
  {
    name: 'minor',
    summary: 'The newest patch of 1.35 is installed; 1.36.4 is the next minor, and every addon supports it.',
    topology: MINOR,
    leastWorkers: 1,
    expect: { outcome: 'upgraded', target: '1.36.4', version: all('1.36.4'), report: UPGRADED },
  },
  {
    name: 'path',
    summary:
      'Two minors behind, and one command: nightlift upgrade --to 1.37.1 goes by 1.36.4, each hop a run of its own.',
    topology: { ...MINOR, published: ['1.36.4', '1.37.1'], addons: [] },
    leastWorkers: 1,
    command: ['upgrade', '--to', '1.37.1', '--yes'],
    expect: {
      outcome: 'upgraded',
      target: '1.37.1',
      version: all('1.37.1'),
      report: UPGRADED,
      also: ({ nodes }) => {
        const applied = nodes.commands.matching(/^kubeadm upgrade apply/).map(({ argv }) => argv.join(' '));
        const isByTheWay =
          applied.length === 2 && /1\.36\.4/.test(applied[0] ?? '') && /1\.37\.1/.test(applied[1] ?? '');
        return isByTheWay ? [] : [`kubeadm applied ${applied.join(', ')}`];
      },
    },
  },
  {
    name: 'ha',
    summary:
      'Three control planes: the first with kubeadm upgrade apply, the others one by one with kubeadm upgrade node.',
    topology: { ...PATCH, controlPlanes: 3 },
    leastWorkers: 1,
    expect: {
      outcome: 'upgraded',
      target: '1.36.4',
      version: all('1.36.4'),
      report: UPGRADED,
      also: (cluster) => [
        ...appliedOnce(cluster),
        ...(cluster.nodes.commands.matching(/^kubeadm upgrade node/, 'control-2').length === 1
          ? []
          : ['control-2 did not run kubeadm upgrade node once']),
      ],
    },
  },
  {
    name: 'upgrade-only',
    summary:
      'The key may upgrade the nodes and do nothing else on them: each has the program that `nightlift node install` puts there.',
    topology: PATCH,
    leastWorkers: 1,
    settings: { ssh: { access: 'upgrade-only' } },
    expect: { outcome: 'upgraded', target: '1.36.4', version: all('1.36.4'), report: UPGRADED },
  },
  {
    name: 'one-node',
    summary:
      'A cluster of one node, which nothing can be moved from: its Job runs on it, is killed while kubeadm runs, and goes on.',
    topology: { ...PATCH, workers: 0 },
    leastWorkers: 0,
    settings: { drain: { mode: 'patch-without' } },
    prepare: ({ nodes }) => nodes.commands.fail({ match: /^kubeadm upgrade apply/, waitMs: 1500 }),
    events: [
      kill('control-1, while kubeadm upgrade apply runs,', 'k8s-upgrade-master-1-36-4', (cluster) =>
        kubeadmRunsOn(cluster, /^kubeadm upgrade apply/),
      ),
    ],
    expect: {
      outcome: 'upgraded',
      target: '1.36.4',
      version: all('1.36.4'),
      report: /UPGRADED — all nodes now on[^]*were not drained/,
      also: (cluster) => [...appliedOnce(cluster), ...nothingEvicted(cluster)],
    },
  },
  {
    name: 'blocked',
    summary:
      'An addon with a newer release stands in the way of 1.36.4, and somebody calls an API that 1.36 does not have.',
    topology: { ...MINOR, addons: [CALICO, OLD_CERT_MANAGER] },
    leastWorkers: 1,
    prepare: ({ prometheus }) =>
      prometheus.setDeprecatedApis([
        { group: 'scheduling.k8s.io', version: 'v1alpha1', resource: 'workloads', removedRelease: '1.36' },
      ]),
    expect: {
      outcome: 'blocked',
      target: '1.36.4',
      version: all('1.35.8'),
      reasons: ['AddonTooOld', 'RemovedApiInUse'],
      report: /BLOCKED \(action needed\) — 1\.36\.4/,
      also: nothingChanged,
    },
  },
  {
    name: 'held',
    summary: '1.37.1 is out, and no release of calico supports it yet: nobody can do anything but wait.',
    topology: { ...PATCH, version: '1.36.4', published: ['1.37.1'] },
    leastWorkers: 1,
    expect: {
      outcome: 'held',
      target: '1.37.1',
      version: all('1.36.4'),
      reasons: ['AddonWaiting'],
      report: /HELD — 1\.37\.1 not yet upgradable/,
      also: nothingChanged,
    },
  },
  {
    name: 'pinned',
    summary: "The operator's own matrix pins an addon: held on purpose, with the reason.",
    topology: { ...MINOR, addons: [CALICO, OLD_CERT_MANAGER] },
    leastWorkers: 1,
    matrix: stringify({
      addons: [{ name: 'cert-manager', pinned: true, reason: 'the certificates move to another issuer first' }],
    }),
    expect: {
      outcome: 'held',
      target: '1.36.4',
      version: all('1.35.8'),
      reasons: ['AddonPinned'],
      report: /the certificates move to another issuer first/,
      also: nothingChanged,
    },
  },
  {
    name: 'pdb',
    summary: 'A disruption budget on worker-1 never lets go: its drain is not begun, and no pod has moved.',
    topology: PATCH,
    leastWorkers: 1,
    prepare: ({ server: { store } }) => {
      store.create(
        deployments,
        workload('shop', 'ledger', 'shop/ledger:1.9', { nodeSelector: { 'kubernetes.io/hostname': 'worker-1' } }, 1),
      );
      store.create(podDisruptionBudgets, {
        metadata: { name: 'ledger-never-down', namespace: 'shop' },
        spec: { minAvailable: 1, selector: { matchLabels: { app: 'ledger' } } },
        status: {},
      });
    },
    expect: {
      outcome: 'halted',
      target: '1.36.4',
      version: ({ role }) => (role === 'control-plane' ? '1.36.4' : '1.36.3'),
      reasons: ['DrainBlocked'],
      report: /Half-done[^]*ledger-never-down/,
    },
  },
  {
    name: 'node-down',
    summary: 'The last worker goes down while the control plane is upgraded: no other worker is taken away.',
    topology: PATCH,
    leastWorkers: 2,
    events: [
      {
        what: 'the last worker goes down',
        when: masterRuns,
        act: async ({ nodes }) => await nodes.nodes.at(-1)?.down(),
      },
    ],
    expect: {
      outcome: 'halted',
      target: '1.36.4',
      version: ({ role }) => (role === 'control-plane' ? '1.36.4' : '1.36.3'),
      down: ({ name, role }) => role === 'worker' && name !== 'worker-1',
      reasons: ['NodeNotReady'],
      report: /Half-done[^]*not Ready: worker-/,
      also: (cluster) =>
        cluster.nodes.commands.matching(/^kubeadm upgrade node/).length === 0 ? [] : ['a worker was upgraded'],
    },
  },
  {
    name: 'killed',
    summary: "The chain's Jobs are killed in the middle of everything: a new pod goes on where the cluster stands.",
    topology: PATCH,
    leastWorkers: 2,
    // A moment to be killed in, whatever the speed.
    prepare: ({ nodes }) => nodes.commands.fail({ match: /^kubeadm upgrade (apply|node)/, waitMs: 1500 }),
    events: [
      kill(
        'preflight',
        'k8s-upgrade-preflight-1-36-4',
        ({ nodes }) => nodes.commands.matching(/^kubeadm upgrade plan/).length > 0,
      ),
      kill('control-1, while kubeadm upgrade apply runs,', 'k8s-upgrade-master-1-36-4', (cluster) =>
        kubeadmRunsOn(cluster, /^kubeadm upgrade apply/),
      ),
      kill('worker-1, while it is drained,', 'k8s-upgrade-worker-1-36-4-worker-1', (cluster) =>
        isCordoned(cluster, 'worker-1'),
      ),
      kill('worker-2, while kubeadm upgrade node runs,', 'k8s-upgrade-worker-1-36-4-worker-2', (cluster) =>
        kubeadmRunsOn(cluster, /^kubeadm upgrade node/, 'worker-2'),
      ),
    ],
    expect: { outcome: 'upgraded', target: '1.36.4', version: all('1.36.4'), report: UPGRADED, also: appliedOnce },
  },
  {
    name: 'alert',
    summary: 'A critical alert fires after the first worker: the chain halts, and leaves every node in service.',
    topology: PATCH,
    leastWorkers: 2,
    events: [
      {
        what: 'the alert CheckoutErrors (critical) fires',
        when: (cluster) =>
          nodeViews(cluster).some(
            ({ name, version, schedulable }) => name === 'worker-1' && version === '1.36.4' && schedulable,
          ),
        act: ({ prometheus }) =>
          prometheus.setAlert({ name: 'CheckoutErrors', severity: 'critical', summary: '7 % of the checkouts fail' }),
      },
    ],
    expect: {
      outcome: 'halted',
      target: '1.36.4',
      version: ({ name, role }) => (role === 'control-plane' || name === 'worker-1' ? '1.36.4' : '1.36.3'),
      reasons: ['AlertFiring'],
      report: /Half-done[^]*CheckoutErrors/,
    },
  },
  {
    name: 'nothing',
    summary: 'Every node is on the newest version: one look, and nothing else.',
    topology: { ...PATCH, version: '1.36.4', published: [] },
    leastWorkers: 1,
    expect: {
      outcome: 'nothing',
      target: null,
      version: all('1.36.4'),
      report: /No upgrade needed/,
      also: nothingChanged,
    },
  },
];

export function scenarioNamed(name: ScenarioName): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}
