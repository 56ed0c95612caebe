import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../test/support/example-deps.ts';
import { alertOptions, gateOptions } from './gate-options.ts';

describe('what the checks take from the settings', () => {
  it('is what was set', () => {
    const policies = [{ namespace: 'shop', budget: 'web', action: 'delete-after', afterSeconds: 60 }];
    const { deps } = exampleWorld({
      settings: {
        addons: { untested: 'warn' },
        containerd: { raise: false },
        alerts: { severities: ['page'], ignore: ['Etcd.*'], selfInflicted: ['NodeDown'], required: false },
        waits: { settleSeconds: 90 },
        budgets: 'block',
        drain: { policies },
      },
    });
    const options = gateOptions(deps);
    expect(options.addons.untested).toBe('warn');
    expect(options.runtime).toEqual({ raiseControlPlane: false });
    expect(options.alerts).toMatchObject({
      severities: ['page'],
      ignore: ['Etcd.*'],
      selfInflicted: ['NodeDown'],
      required: false,
    });
    expect(options.quiet).toEqual({ settleSeconds: 90 });
    expect(options.budgets).toEqual({ severity: 'block', policies });
  });

  it('I04 says whether a run has begun to change the cluster, which it has not unless that is said', () => {
    const { deps } = exampleWorld();
    expect(gateOptions(deps).alerts.duringRun).toBe(false);
    expect(alertOptions(deps, true).duringRun).toBe(true);
  });

  it("has the operator's addon matrix, and says which file is wrong", () => {
    const settings = { addons: { matrixFile: '/etc/nightlift/own.yaml' } };
    const own = { addons: [{ name: 'calico', pinned: true }] };
    const { addons } = gateOptions(exampleWorld({ settings, deps: { addonMatrix: () => own } }).deps);
    expect(addons.matrix.addons.find(({ name }) => name === 'calico')?.pinned).toBe(true);
    const wrong = exampleWorld({ settings, deps: { addonMatrix: () => 'text' } });
    expect(() => gateOptions(wrong.deps)).toThrow(/^reading the addon matrix in \/etc\/nightlift\/own\.yaml: /);
  });
});
