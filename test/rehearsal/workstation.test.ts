import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allChecks } from '../../src/chain/checks.ts';
import { configMaps, endpoints, jobs, namespaces, services } from '../../src/rehearsal/api/resources.ts';
import type { EmbeddedCluster } from '../../src/rehearsal/embedded-cluster.ts';
import { scenarioNamed } from '../../src/rehearsal/scenarios.ts';
import { callCli } from '../support/call-cli.ts';
import { NIGHT_MS, SMALL, useNights } from './nights.ts';

const nights = useNights();
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'nightlift-workstation-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A person with a kubeconfig, of the admin or of the bearer of a token, and with nothing of what a pod has. */
function person({ server }: EmbeddedCluster, token?: string) {
  const file = join(directory, `kubeconfig-${server.port}-${token ?? 'admin'}`);
  writeFileSync(file, server.kubeconfig(token));
  return async (...argv: string[]) => await callCli([...argv, '--kubeconfig', file]);
}

/** Everything that the cluster's Jobs go by, and the gauges. */
function stateOf({ server: { store }, pushgateway }: EmbeddedCluster) {
  return {
    jobs: store.list(jobs).map(({ metadata }) => metadata.name),
    run: store.get(namespaces, 'k8s-upgrade')?.metadata.annotations ?? {},
    state: store.get(configMaps, 'k8s-upgrade-state', 'k8s-upgrade')?.data ?? {},
    pushed: pushgateway.requests.filter(({ method }) => method !== 'GET').length,
  };
}

describe('the emergency brake', { timeout: NIGHT_MS }, () => {
  it('stops an upgrade by hand before it has asked or started anything', async () => {
    await nights.cluster(SMALL, async (cluster) => {
      const call = person(cluster);
      await call('pause', '--reason', 'load test');
      const before = stateOf(cluster);
      const { code, out, err } = await call('upgrade', '--to', '1.36.4', '--yes', '--no-follow');
      expect([code, err]).toEqual([2, '']);
      expect(out).toMatch(/^Paused: the kill switch is engaged: load test\. Nothing is started\.\n.*nightlift resume/);
      expect(stateOf(cluster)).toEqual(before);
    });
  });

  it('resume --now runs the detection, every time under a name of its own', async () => {
    await nights.cluster(SMALL, async (cluster) => {
      const call = person(cluster);
      await call('pause');
      const first = await call('resume', '--now', '-o', 'json');
      const second = await call('resume', '--now', '-o', 'json');
      const named = [first, second].map(({ out }) => (JSON.parse(out) as { job: string }).job);
      expect(new Set(named).size).toBe(2);
      for (const name of named) expect(stateOf(cluster).jobs).toContain(name);
      expect(JSON.parse(second.out)).toMatchObject({ paused: false, wasPaused: false });
    });
  });

  it('resume --now says where there is nothing to run', async () => {
    await nights.cluster(SMALL, async (cluster) => {
      const { code, err } = await person(cluster)('resume', '--now', '--namespace', 'default');
      expect([code, err]).toEqual([3, expect.stringContaining('there is no CronJob default/k8s-version-check')]);
    });
  });

  it('works, and status shows what may be seen, for whoever may do no more than that in our namespace', async () => {
    await nights.cluster(SMALL, async (cluster) => {
      const rules = [
        { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create', 'patch', 'delete'] },
        { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] },
      ];
      cluster.server.access.addToken('brake', { user: 'operator', groups: ['system:authenticated'], rules });
      const call = person(cluster, 'brake');
      expect(await call('pause', '--reason', 'mine')).toMatchObject({ code: 0 });
      const { code, out } = await call('status');
      expect([code, out]).toEqual([0, expect.stringContaining('Paused: mine')]);
      expect(out).toMatch(/^Nodes: unknown \(listing the nodes: the API server answered 403/m);
      expect(out).toMatch(/^Jobs: unknown \(/m);
      expect(await call('resume')).toMatchObject({ code: 0 });
    });
  });
});

describe('what the Jobs of the cluster run, from outside of it', { timeout: NIGHT_MS }, () => {
  it('check only looks: it starts nothing, and the night stays as it was recorded', async () => {
    await nights.cluster(SMALL, async (cluster) => {
      const before = stateOf(cluster);
      for (const argv of [['check'], ['check', '-o', 'json']]) {
        const { code, out, err } = await person(cluster)(...argv);
        expect([3, 2, 0], err).toContain(code);
        expect(out + err).toContain('Nothing is started or recorded from here');
      }
      expect(stateOf(cluster)).toEqual(before);
    });
  });

  it('report is printed, and not sent', async () => {
    await nights.cluster(SMALL, async (cluster) => {
      const before = cluster.slack.messages.length;
      const { code, out } = await person(cluster)('report');
      expect([code, out]).toEqual([0, expect.stringContaining('Running: 1.36.3')]);
      expect(cluster.slack.messages.length).toBe(before);
    });
  });

  it('a phase is refused: a node is changed by a Job of the chain', async () => {
    await nights.cluster(SMALL, async (cluster) => {
      const before = { ...process.env };
      Object.assign(process.env, { PHASE: 'worker', TARGET_VERSION: '1.36.4', NODE_NAME: 'worker-1' });
      try {
        const { code, out, err } = await person(cluster)('phase');
        expect([code, out, err]).toEqual([64, '', expect.stringMatching(/no pod of the cluster.*\n.*upgrade --to/)]);
        expect(cluster.server.requests.writes).toEqual([]);
      } finally {
        process.env = before;
      }
    });
  });
});

const SERVICES = {
  alerts: { prometheusUrl: 'http://prometheus.monitoring.svc:9090' },
  pushgatewayUrl: 'http://pushgateway.monitoring.svc:9091',
};

/** What stands around the cluster, under names that only the cluster knows. */
function putServices({ server: { store }, prometheus, pushgateway }: EmbeddedCluster): void {
  store.create(namespaces, { metadata: { name: 'monitoring' }, spec: {} });
  for (const [name, port, url] of [
    ['prometheus', 9090, prometheus.url],
    ['pushgateway', 9091, pushgateway.url],
  ] as const) {
    const metadata = { name, namespace: 'monitoring' };
    store.create(services, { metadata, spec: { ports: [{ port }] } });
    const subsets = [{ addresses: [{ ip: '127.0.0.1' }], ports: [{ port: Number(new URL(url).port) }] }];
    store.create(endpoints, { metadata, subsets } as never);
  }
}

describe('asking a cluster from a workstation', { timeout: NIGHT_MS }, () => {
  it('reaches a Service through the API server, and the nodes with a key', async () => {
    await nights.cluster(
      SMALL,
      async (cluster) => {
        putServices(cluster);
        const keys = ['--ssh-key', join(directory, 'key'), '--known-hosts', join(directory, 'known')];
        writeFileSync(join(directory, 'key'), cluster.nodes.privateKeyPem);
        writeFileSync(join(directory, 'known'), cluster.nodes.knownHosts);
        const { code, out, err } = await person(cluster)('gate', ...keys);
        expect([code, err], out).toEqual([0, '']);
        expect(out).toContain(
          `1.36.4: safe, as far as was asked: ${allChecks.length - 1} of ${allChecks.length} checks\n`,
        );
        expect(cluster.prometheus.requests.length).toBeGreaterThan(0);
        const facts = JSON.parse((await person(cluster)('facts', ...keys)).out) as Record<string, { known: boolean }>;
        for (const part of ['alerts', 'deprecatedApis', 'gauges', 'surveys', 'patchReleases'])
          expect([part, facts[part]?.known]).toEqual([part, true]);
      },
      { settings: SERVICES },
    );
  });

  it('tells what it cannot reach as its own, and not as something to mend in the cluster', async () => {
    await nights.cluster(
      SMALL,
      async (cluster) => {
        putServices(cluster);
        const rules = [
          { apiGroups: ['*'], resources: ['*'], verbs: ['list', 'create'] },
          { apiGroups: [''], resources: ['configmaps', 'namespaces'], verbs: ['get'] },
          { apiGroups: ['batch'], resources: ['jobs', 'cronjobs'], verbs: ['get'] },
        ];
        cluster.server.access.addToken('viewer', { user: 'viewer', groups: ['system:authenticated'], rules });
        const { code, out } = await person(cluster, 'viewer')('gate', '--target', '1.36.4', '-o', 'json');
        const { verdict, findings, notAsked } = JSON.parse(out) as {
          verdict: string;
          notAsked: { check: string }[];
          findings: { reason: string; message: string; severity: string }[];
        };
        expect([code, verdict]).toEqual([2, 'blocked']);
        // Of budgets whose pods are still starting it warns.
        const blocking = findings.filter(({ severity }) => severity === 'block');
        expect(new Set(blocking.map(({ reason }) => reason))).toEqual(new Set(['NotReachableFromHere']));
        const said = findings.map(({ message }) => message).join('\n');
        expect(said).toMatch(/not reachable from here: asking Service monitoring\/prometheus .*; not looked at: /);
        expect(notAsked.map(({ check }) => check)).toContain('node-survey');
        const text = await person(cluster, 'viewer')('gate', '--target', '1.36.4');
        expect(text.out).toMatch(/^1\.36\.4: nothing against it, but not all of it can be asked from here\n/);
        expect(text.out).not.toContain('kubectl create job');
      },
      { settings: SERVICES },
    );
  });

  it('upgrade --to needs nothing but a kubeconfig, and shows what preflight in the cluster says', async () => {
    await nights.cluster(SMALL, async (cluster) => {
      const { code, out, err } = await person(cluster)('upgrade', '--to', 'v1.36.9', '--yes');
      expect([code, err], out).toEqual([expect.any(Number), '']);
      expect(code).not.toBe(0);
      expect(out).toContain('Whether 1.36.9 is published is not asked from here');
      expect(out).toMatch(/The log of k8s-upgrade-preflight-1-36-9 ends with:/);
      expect(out).toMatch(/1\.36\.9/);
      const good = await person(cluster)('upgrade', '--to', 'v1.36.4', '--yes');
      expect([good.code, good.err], good.out).toEqual([0, '']);
      expect(good.out).toContain('Done: all 2 nodes are on 1.36.4.');
    });
  });

  it('plan shows what drains would evict, what holds them, and what the gate says', async () => {
    const { topology, prepare } = scenarioNamed('pdb');
    await nights.cluster(topology, async (cluster) => {
      prepare?.(cluster);
      const call = person(cluster);
      await expect
        .poll(async () => (await call('plan', '--target', '1.36.4')).out, { timeout: 20_000 })
        .toMatch(/^ {4}held by budget shop\/ledger-never-down: \S/m);
      const { code, out } = await call('plan', '--target', '1.36.4');
      expect(code).toBe(0);
      expect(out).toMatch(/^ {2}worker-1: \d+ pods? (is|are) evicted \(.*shop \d/m);
      expect(out).toMatch(
        new RegExp(`^1\\.36\\.4: safe, as far as was asked: \\d\\d of ${allChecks.length} checks`, 'm'),
      );
      const json = JSON.parse((await call('plan', '--target', '1.36.4', '-o', 'json')).out) as object;
      expect(json).toMatchObject({ gate: { target: '1.36.4' }, steps: expect.any(Array) as unknown[] });
    });
  });
});
