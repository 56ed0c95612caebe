import { known } from '../observed.ts';
import { exampleControlPlaneSurvey, exampleSurvey } from './example-survey.ts';
import { type AlertFact, FACTS_SCHEMA, type Facts } from './facts.ts';
import type { NodeFact } from './node-fact.ts';

/** A healthy node for tests; what a test is about it gives itself. */
export function exampleNode(name: string, fields: Partial<NodeFact> = {}): NodeFact {
  const role = fields.role ?? (name.startsWith('cp') ? 'control-plane' : 'worker');
  const kubelet = fields.kubelet ?? '1.36.3';
  return {
    name,
    role,
    kubelet,
    apiServer: role === 'control-plane' ? kubelet : null,
    internalIp: addressFor(name),
    ready: 'yes',
    readySince: '2026-11-01T00:00:00Z',
    memoryPressure: false,
    diskPressure: false,
    schedulable: true,
    cordonedBy: null,
    unfinished: null,
    finished: null,
    failed: null,
    pendingSince: null,
    excludedSince: null,
    taints: [],
    labels: {},
    allocatable: {},
    machineId: '',
    criSocket: null,
    architecture: 'amd64',
    osImage: 'Debian GNU/Linux 13',
    kernel: '6.12.0',
    containerRuntime: 'containerd://2.2.1',
    createdAt: '2026-01-01T00:00:00Z',
    ...fields,
  };
}

/** One of its own for every name that tests use. */
function addressFor(name: string): string {
  const number = Buffer.from(name).reduce((sum, byte) => (sum * 31 + byte) % 65_000, 7);
  return `10.0.${Math.floor(number / 250)}.${(number % 250) + 1}`;
}

/** A healthy cluster of one control plane and two workers on `version`, for tests: nothing newer is published, nothing is in the way. */
export function exampleFacts(fields: Partial<Facts> = {}, version = '1.36.3'): Facts {
  const nodes = ['cp-1', 'worker-1', 'worker-2'].map((name) => exampleNode(name, { kubelet: version }));
  return {
    schema: FACTS_SCHEMA,
    observedAt: '2026-11-21T06:07:00Z',
    apiServer: known(version),
    nodes: known(nodes),
    kubeadmConfig: known(version),
    kubeadmApi: known('kubeadm.k8s.io/v1beta4'),
    killSwitch: known({ engaged: false, reason: '' }),
    patchReleases: known({
      minor: version.split('.').slice(0, 2).join('.'),
      source: 'apt on cp-1',
      versions: [version],
    }),
    nextMinorReleases: known(null),
    run: known({ startedAt: null, target: null, snapshotPath: null, stopped: null, stoppedAt: null }),
    firstSeen: known({}),
    limits: known(null),
    otherNodes: known([]),
    inventory: known({ before: null, after: null }),
    surveys: known(
      Object.fromEntries(
        nodes.map(({ name, role }) => [name, known(role === 'worker' ? exampleSurvey() : exampleControlPlaneSurvey())]),
      ),
    ),
    staging: known(null),
    workloads: known([]),
    deprecatedApis: known([]),
    apiServerMetrics: known({
      lookbackHours: 168,
      instances: [
        { job: 'apiserver', instance: `${addressFor('cp-1')}:6443`, up: true, since: '2026-11-14T06:07:00.000Z' },
      ],
    }),
    alerts: known([]),
    budgets: known([]),
    leavingPods: known([]),
    permissions: known([{ verb: 'create', group: '', resource: 'pods/eviction', namespace: '', allowed: true }]),
    chainJobs: known([]),
    gauges: known([]),
    ...fields,
  };
}

/** A critical alert that is firing; what a test is about it gives itself. */
export function exampleAlert(name: string, fields: Partial<AlertFact> = {}): AlertFact {
  return { name, severity: 'critical', state: 'firing', activeSince: null, summary: '', labels: {}, ...fields };
}
