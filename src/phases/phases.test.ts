import { describe, expect, it } from 'vitest';
import { beforeChange } from '../chain/checks.ts';
import { PHASES } from '../chain/step.ts';
import { phaseOf } from './phases.ts';

/** What a phase does, in order: a change here is a change of what happens to a cluster, and is made knowingly. */
const STEPS = {
  preflight: [
    'one-chain',
    'reboot-lock',
    'oidc-restore-known',
    'nodes-answer',
    'take-reboot-lock',
    'restore-workloads',
    'left-cordons',
    'control-planes-healthy',
    'prune-backups',
    'stage-all',
    'stage-containerd',
    'plan',
    'manifest-changes',
    'set-latch',
    'note-broken',
    'note-inventory',
    'note-for-smoke',
    'snapshot',
    'mark-pending',
  ],
  master: [
    'one-chain',
    'reboot-lock',
    'take-reboot-lock',
    'nodes-ready',
    'halt-on-alert',
    'control-planes-healthy',
    'stage',
    'stage-containerd',
    'headroom',
    'evictable',
    'fits-window',
    'begin',
    'exclude',
    'drain',
    'quiesce',
    'containerd',
    'node-upgrade',
    'ready',
    'restore-workloads',
    'verify-node',
    'uncordon',
    'control-plane-pods',
    'note-away',
    'oidc-restore',
    'replacements',
    'manifests-kept',
    'triggers',
    'halt-on-alert',
    'note-took',
    'finish',
  ],
  worker: [
    'one-chain',
    'reboot-lock',
    'take-reboot-lock',
    'restore-workloads',
    'nodes-ready',
    'halt-on-alert',
    'stage',
    'headroom',
    'evictable',
    'fits-window',
    'begin',
    'exclude',
    'drain',
    'node-upgrade',
    'ready',
    'verify-node',
    'uncordon',
    'daemon-sets',
    'replacements',
    'soak',
    'smoke',
    'note-took',
    'finish',
  ],
  postflight: [
    'take-reboot-lock',
    'restore-workloads',
    'left-marks',
    'all-on-target',
    'alerts',
    'api-health',
    'cluster-dns',
    'system-pods',
    'pod-ready-ratio',
    'smoke',
    'return-reboot-lock',
    'compare-inventory',
    'say-complete',
    'clear-latch',
    'next-hop',
  ],
} as const;

describe('the phases', () => {
  it.each(PHASES)('%s does its steps in this order', (name) => {
    const phase = phaseOf(name);
    expect(phase.name).toBe(name);
    expect(phase.steps.map((step) => step.name)).toEqual(STEPS[name]);
  });

  it('ask everything that can say no in preflight, and read what these questions need', () => {
    const { checks, facts } = phaseOf('preflight');
    expect(checks).toEqual(beforeChange);
    expect(facts.toSorted()).toEqual([
      'alerts',
      'apiServer',
      'apiServerMetrics',
      'budgets',
      'deprecatedApis',
      'kubeadmApi',
      'leavingPods',
      'nodes',
      'otherNodes',
      'permissions',
      'staging',
      'workloads',
    ]);
  });

  it('say of each step how long it may take that runs a command of its own on a node or waits by a setting of its own', () => {
    const phases = (['preflight', 'master', 'worker', 'postflight'] as const).map(phaseOf);
    const long = phases.flatMap(({ steps }) => steps.filter(({ longest }) => longest !== undefined));
    expect([...new Set(long.map(({ name }) => name))].toSorted()).toEqual([
      'containerd',
      'exclude',
      'node-upgrade',
      'replacements',
      'snapshot',
      'soak',
      'stage',
      'stage-all',
      'stage-containerd',
    ]);
  });

  it.each(['master', 'worker', 'postflight'] as const)(
    'ask the gate nothing in %s, where there is no way back',
    (name) => {
      const { checks, facts } = phaseOf(name);
      expect(checks).toEqual([]);
      expect(facts).toEqual([]);
    },
  );

  it.each(['master', 'worker'] as const)(
    'heed no pause in %s from the first package to the return to service, and every one before and after',
    (name) => {
      const { steps } = phaseOf(name);
      const at = (step: string): number => steps.findIndex((one) => one.name === step);
      const between = steps.slice(at('drain') + 1, at('uncordon') + 1).filter((step) => step.name !== 'quiesce');
      expect(between.filter((step) => step.critical !== true).map((step) => step.name)).toEqual([]);
      const around = [...steps.slice(0, at('drain') + 1), ...steps.slice(at('uncordon') + 1)];
      // Scaling back what was scaled to zero is never put off.
      expect(around.filter((step) => step.critical === true).map((step) => step.name)).toEqual(
        name === 'worker' ? ['restore-workloads'] : [],
      );
    },
  );
});
