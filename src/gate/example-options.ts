import { parseSettings } from '../settings/parse-settings.ts';
import { addonMatrix } from './addon-matrix.ts';
import type { GateOptions } from './gate-options.ts';

/** The defaults of the settings, for tests. */
export function exampleOptions(fields: Partial<GateOptions> = {}): GateOptions {
  return {
    acceptedRisks: [],
    addons: { matrix: addonMatrix(undefined, ''), untested: 'block' },
    runtime: { raiseControlPlane: true },
    alerts: {
      severities: ['critical'],
      ignore: [],
      selfInflicted: ['RecentNodeReboot'],
      required: true,
      duringRun: false,
    },
    quiet: { settleSeconds: 600 },
    budgets: { severity: 'warn', policies: [] },
    drain: { mode: 'always', raise: true },
    rollout: parseSettings('', 'test').rollout,
    stuckPods: { severity: 'block' },
    promotion: { from: 'nowhere', days: 7 },
    packages: { baseUrl: 'https://pkgs.k8s.io/core:/stable:', lockTimeoutSeconds: 300, freeMegabytes: 1024 },
    kubeadm: { ignorePreflightErrors: ['CoreDNSMigration', 'CoreDNSUnsupportedPlugins'], patchesDirectory: '' },
    snapshot: { required: true, cronJob: 'backup-etcd' },
    ...fields,
  };
}
