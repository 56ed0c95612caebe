import { expect, it } from 'vitest';
import type { Cluster, PodFact } from '../../../src/cluster/cluster.ts';
import { exampleFacts } from '../../../src/facts/example-facts.ts';
import { budgets as budgetCheck } from '../../../src/gate/budgets.ts';
import { evaluateGate } from '../../../src/gate/evaluate-gate.ts';
import { exampleOptions } from '../../../src/gate/example-options.ts';
import { observeBudgets } from '../../../src/observe/budgets.ts';
import { known, unknown } from '../../../src/observed.ts';
import { type Bench, signal, WORLD } from './bench.ts';

export function describeDrain(bench: () => Bench): void {
  it('selects pods by node, namespace and label, and says what a drain wants to know', async () => {
    const { cluster, pod } = bench();
    await pod('plain', { labels: { role: 'x' }, spec: { volumes: [{ name: 'v', emptyDir: {} }] } });
    await pod('other', { labels: { role: 'x' }, spec: { nodeName: 'cp-1' }, running: false });
    const names = async (where: Parameters<Cluster['pods']>[0]): Promise<string[]> =>
      (await cluster.pods(where, signal)).map(({ name }) => name);
    expect(await names({ namespace: WORLD, labels: 'role=x' })).toEqual(['other', 'plain']);
    expect(await names({ namespace: WORLD, labels: 'role=x', node: 'worker-1' })).toEqual(['plain']);
    expect(await names({ namespace: WORLD, labels: 'role=x', phase: 'Pending' })).toEqual(['other']);
    expect(await names({ namespace: WORLD, labels: 'role=x', phase: 'Pending', node: 'worker-1' })).toEqual([]);
    expect(await names({ node: 'cp-1' })).toContain('kube-apiserver-cp-1');
    expect(
      (await cluster.pods({ namespace: WORLD, labels: 'role=x' }, signal)).map(
        ({ phase, ready, usesEmptyDir, owner, mirror, images, terminationGraceSeconds }) => ({
          phase,
          ready,
          usesEmptyDir,
          owner,
          mirror,
          images,
          terminationGraceSeconds,
        }),
      ),
    ).toEqual([
      {
        phase: 'Pending',
        ready: false,
        usesEmptyDir: false,
        owner: null,
        mirror: false,
        images: ['registry/app:1'],
        terminationGraceSeconds: 0,
      },
      {
        phase: 'Running',
        ready: true,
        usesEmptyDir: true,
        owner: null,
        mirror: false,
        images: ['registry/app:1'],
        terminationGraceSeconds: 0,
      },
    ]);
  });

  it('says why the scheduler finds no place for a pod, and what holds one that goes', async () => {
    const { cluster, pod, until, patch } = bench();
    await pod('homeless', { spec: { nodeName: undefined, nodeSelector: { nowhere: 'true' } }, running: false });
    const why = await until(
      async () =>
        (await cluster.pods({ namespace: WORLD, phase: 'Pending' }, signal)).find(({ name }) => name === 'homeless')
          ?.unschedulable ?? undefined,
    );
    expect(why).toMatch(/nodes are available/);
    const stuck = await pod('finalized', { metadata: { finalizers: ['example.test/never'] } });
    await cluster.evict(stuck, signal);
    const [going] = (await cluster.pods({ namespace: WORLD }, signal)).filter(({ name }) => name === 'finalized');
    expect(going).toMatchObject({ deleting: true, goneBy: expect.any(String), finalizers: ['example.test/never'] });
    await patch(`/api/v1/namespaces/${WORLD}/pods/finalized`, { metadata: { finalizers: null } });
  });

  it('D07 knows before any eviction which budgets let no pod go, and changes nothing by asking', async () => {
    const { cluster, create, until, pod } = bench();
    const namespace = 'budgets';
    await create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    const owner = await until(async () =>
      create(`/api/v1/namespaces/${namespace}/configmaps`, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'owner' },
      }).catch(() => undefined),
    );
    const { uid } = (owner as { metadata: { uid: string } }).metadata;
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid, controller: true }];
    const ready = (app: string, fields: object = {}) =>
      until(() => pod(`${app}-0`, { namespace, labels: { app, all: app }, ...fields }).catch(() => undefined));
    await ready('operated', { metadata: { ownerReferences } });
    await ready('bare');
    await ready('sick', { ready: false });
    await ready('lenient', { ready: false });
    await ready('double');
    const budgets: Record<string, object> = {
      operated: { maxUnavailable: 1 },
      bare: { minAvailable: '50%' },
      sick: { minAvailable: 1 },
      lenient: { minAvailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' },
      double: { minAvailable: 0 },
    };
    for (const [name, spec] of [...Object.entries(budgets), ['twice', { minAvailable: 0 }] as const])
      await create(`/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`, {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name },
        spec: { selector: { matchLabels: { app: name === 'twice' ? 'double' : name } }, ...spec },
      });
    const found = await until(async () => {
      const facts = (await observeBudgets(cluster, signal)).filter((fact) => fact.namespace === namespace);
      const isSettled = facts.every(({ expectedPods, currentHealthy, syncFailed }) =>
        [expectedPods > 0, currentHealthy > 0, syncFailed !== undefined].includes(true),
      );
      return facts.length === 6 && isSettled ? facts : undefined;
    });
    const facts = exampleFacts({ budgets: known([...found]), nodes: unknown('not asked') });
    const { findings } = evaluateGate(facts, '1.36.4', [budgetCheck], exampleOptions());
    expect(
      findings.map(({ reason, message }) => `${reason} ${/budgets\/(\w+)/.exec(message)?.[1]}`).toSorted(),
    ).toEqual(['BudgetExpectsNone bare', 'BudgetSyncFailed operated', 'BudgetUnhealthy sick', 'BudgetsOverlap double']);
    const still = await cluster.pods({ namespace }, signal);
    expect(still.filter(({ deleting }) => deleting)).toEqual([]);
  });

  it('counts the pods without reading them, and finds what is warned of them, by reason and by pod', async () => {
    const { cluster, pod, create, remove } = bench();
    const made = await Promise.all([pod('fails'), pod('works')]);
    const all = (await cluster.pods({}, signal)).length;
    expect(await cluster.podCount(signal)).toBe(all);
    const [fails, works] = (await cluster.pods({ namespace: WORLD }, signal))
      .filter(({ name }) => ['fails', 'works'].includes(name))
      .toSorted((a, b) => a.name.localeCompare(b.name));
    if (fails === undefined || works === undefined) throw new Error(`there are no such pods (${made.length})`);
    const warn = async (about: PodFact, reason: string, type: string, more: object) => {
      await create(`/api/v1/namespaces/${WORLD}/events`, {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: `${about.name}.${reason}.${type}`.toLowerCase() },
        involvedObject: { kind: 'Pod', namespace: WORLD, name: about.name, uid: about.uid },
        type,
        reason,
        message: 'it failed',
        ...more,
      });
    };
    await warn(fails, 'BackOff', 'Warning', { lastTimestamp: '2026-11-21T23:00:00Z' });
    await warn(fails, 'FailedMount', 'Warning', {});
    await warn(works, 'BackOff', 'Normal', {});
    const told = (await cluster.podWarnings({ reason: 'BackOff' }, signal)).filter(
      ({ pod }) => pod.namespace === WORLD,
    );
    expect(told).toEqual([
      {
        reason: 'BackOff',
        message: 'it failed',
        pod: { namespace: WORLD, name: 'fails', uid: fails.uid },
        lastSeen: '2026-11-21T23:00:00.000Z',
      },
    ]);
    const ofOne = await cluster.podWarnings(fails, signal);
    expect(ofOne.map(({ reason }) => reason).toSorted()).toEqual(['BackOff', 'FailedMount']);
    expect(ofOne.every(({ lastSeen }) => lastSeen !== null)).toBe(true);
    expect(await cluster.podWarnings(works, signal)).toEqual([]);
    for (const name of ['fails', 'works']) await remove(`/api/v1/namespaces/${WORLD}/pods/${name}`);
  });

  it('finds the pods that were told to go, whatever they show, and sees each pod once', async () => {
    const { cluster, pod, remove, patch } = bench();
    const finalizers = ['example.test/stays'];
    for (const [name, phase] of [
      ['leaving', 'Running'],
      ['leaving-ended', 'Succeeded'],
      ['staying', 'Running'],
    ] as const) {
      await pod(name, { metadata: { finalizers: name === 'staying' ? [] : finalizers } });
      await patch(`/api/v1/namespaces/${WORLD}/pods/${name}/status`, { status: { phase } });
      if (name === 'staying') continue;
      await remove(`/api/v1/namespaces/${WORLD}/pods/${name}`);
    }
    const found = (await cluster.leavingPods(signal)).filter(({ namespace }) => namespace === WORLD);
    expect(found.map(({ name }) => name).toSorted()).toEqual(['leaving', 'leaving-ended']);
    expect(found.every(({ deleting }) => deleting)).toBe(true);
    const seen = await cluster.foldPods(
      {},
      () => [] as string[],
      (names, { uid }) => void names.push(uid),
      signal,
    );
    expect(seen.toSorted()).toEqual((await cluster.pods({}, signal)).map(({ uid }) => uid).toSorted());
    const { ready, state: doubted } = await cluster.readiness(
      {},
      () => [] as string[],
      (names, { name }) => void names.push(name),
      signal,
    );
    // Those that have ended, and of a table those that leave, are no matter of readiness; nothing here runs.
    expect([ready, doubted.includes('staying'), doubted.includes('leaving-ended')]).toEqual([0, true, false]);
    for (const { name } of found)
      await patch(`/api/v1/namespaces/${WORLD}/pods/${name}`, { metadata: { finalizers: null } });
    await remove(`/api/v1/namespaces/${WORLD}/pods/staying`);
  });

  it('D07 evicts a pod, and tells a budget from two budgets, a gone pod and another pod of the same name', async () => {
    const { cluster, create, until, pod } = bench();
    const budget = (name: string): Promise<unknown> =>
      create(`/apis/policy/v1/namespaces/${WORLD}/poddisruptionbudgets`, {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name },
        spec: { minAvailable: 1, selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['kept'] }] } },
      });
    const free = await pod('free');
    expect(await cluster.evict({ ...free, uid: 'another' }, signal)).toEqual({ kind: 'gone' });
    expect(await cluster.evict(free, signal)).toEqual({ kind: 'accepted' });
    expect(await cluster.evict({ ...free, name: 'never-was' }, signal)).toEqual({ kind: 'gone' });

    const kept = await pod('kept', { labels: { app: 'kept' } });
    await budget('one');
    await until(async () =>
      (await cluster.budgets(signal)).some(({ name, currentHealthy }) => name === 'one' && currentHealthy === 1)
        ? true
        : undefined,
    );
    expect((await cluster.budgets(signal)).find(({ name }) => name === 'one')).toMatchObject({
      namespace: WORLD,
      name: 'one',
      disruptionsAllowed: 0,
      currentHealthy: 1,
      desiredHealthy: 1,
      expectedPods: 1,
    });
    const blocked = await cluster.evict(kept, signal);
    expect(blocked).toMatchObject({
      kind: 'blocked',
      message: expect.stringContaining('disruption budget') as string,
    });
    await budget('two');
    expect(await cluster.evict(kept, signal)).toMatchObject({
      kind: 'impossible',
      message: expect.stringContaining('more than one') as string,
    });
  });

  it('keeps the pods of a node up to date by a watch, and says when there is something new', async () => {
    const { cluster, pod, until } = bench();
    const watch = cluster.watchPods('worker-1', signal);
    const names = async (): Promise<string[]> =>
      (await watch.pods()).filter(({ namespace }) => namespace === WORLD).map(({ name }) => name);
    const before = await names();
    const told = watch.changed();
    const seen = await pod('seen');
    await pod('elsewhere', { spec: { nodeName: 'cp-1' } });
    await told;
    await until(async () => ((await names()).includes('seen') ? true : undefined));
    expect((await names()).toSorted()).toEqual([...before, 'seen'].toSorted());
    await cluster.deletePod(seen, signal);
    await until(async () => ((await names()).includes('seen') ? undefined : true));
    expect(await names()).toEqual(before);
    watch.close();
  });

  it('deletes this very pod, and not one of the same name', async () => {
    const { cluster, pod } = bench();
    const doomed = await pod('doomed');
    await cluster.deletePod({ ...doomed, uid: 'another' }, signal);
    expect((await cluster.pods({ namespace: WORLD }, signal)).map(({ name }) => name)).toContain('doomed');
    await cluster.deletePod(doomed, signal);
    expect((await cluster.pods({ namespace: WORLD }, signal)).map(({ name }) => name)).not.toContain('doomed');
    await cluster.deletePod(doomed, signal);
  });

  it('says what a pod reserves and where it may run', async () => {
    const { pod } = bench();
    const terms = [{ matchExpressions: [{ key: 'disk', operator: 'In', values: ['fast'] }] }];
    const { placement, usesClaim } = await pod('choosy', {
      spec: {
        containers: [{ name: 'main', image: 'app', resources: { requests: { cpu: '250m', memory: '1Gi' } } }],
        nodeSelector: { zone: 'a' },
        affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } },
        tolerations: [{ key: 'dedicated', operator: 'Exists', effect: 'NoSchedule' }],
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
      },
    });
    expect(usesClaim).toBe(true);
    expect(placement).toMatchObject({
      requests: { cpu: 250, memory: 2 ** 30 },
      nodeSelector: { zone: 'a' },
      nodeAffinity: [{ labels: [{ key: 'disk', operator: 'In', values: ['fast'] }], fields: [] }],
      priority: 0,
    });
    expect(placement.tolerations).toContainEqual({ key: 'dedicated', operator: 'Exists', effect: 'NoSchedule' });
  });

  it('finds the Deployment behind a pod, and restarts it as kubectl does', async () => {
    const { cluster, deployment, pod, remove, until } = bench();
    await deployment('owner', 1);
    const owned = await until(async () => (await cluster.pods({ namespace: WORLD, labels: 'app=owner' }, signal))[0]);
    const before = await cluster.ownerOf(owned, signal);
    expect(before).toEqual({
      kind: 'Deployment',
      namespace: WORLD,
      name: 'owner',
      replicas: 1,
      paused: false,
      rolling: { surge: 1, unavailable: 0 },
      restartedAt: null,
    });
    await cluster.restart({ kind: 'Deployment', namespace: WORLD, name: 'owner' }, '2026-11-20T23:00:00Z', signal);
    expect(await cluster.ownerOf(owned, signal)).toMatchObject({ restartedAt: '2026-11-20T23:00:00Z' });
    const next = await until(async () =>
      (await cluster.pods({ namespace: WORLD, labels: 'app=owner' }, signal)).find(({ uid }) => uid !== owned.uid),
    );
    expect(next.restartedAt).toBe('2026-11-20T23:00:00Z');
    expect(await cluster.ownerOf(await pod('nobodys'), signal)).toBeUndefined();
    await remove(`/apis/apps/v1/namespaces/${WORLD}/deployments/owner`);
  });
}
