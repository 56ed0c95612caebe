import { afterEach, describe, expect, it } from 'vitest';
import { type DrainBench, type DrainBenchOptions, openDrainBench } from '../../../test/support/drain-test-bench.ts';
import { Refused } from '../../chain/outcome.ts';
import type { RequestRecord } from '../../rehearsal/api/request-log.ts';
import { daemonSets, deployments, nodes, podDisruptionBudgets, pods } from '../../rehearsal/api/resources.ts';
import { drain } from './drain.ts';

let bench: DrainBench;

async function open(options: DrainBenchOptions = {}): Promise<DrainBench> {
  bench = await openDrainBench(options);
  return bench;
}

const policies = (...list: object[]) => ({
  drain: { policies: list.map((item) => ({ namespace: 'default', ...item })) },
});
const evictions = (): readonly RequestRecord[] =>
  bench.server.requests.records.filter(({ path }) => path.endsWith('/eviction'));
const writes = (): string[] => bench.server.requests.writes.map(({ method, path }) => `${method} ${path}`);
const messageOf = (error: unknown): string => {
  expect(error).toBeInstanceOf(Refused);
  return String(error);
};
const reasonsOf = (error: unknown): string[] =>
  error instanceof Refused ? error.findings.map(({ reason }) => reason) : [];

afterEach(async () => {
  await bench.close();
});

describe('the drain', { timeout: 30_000 }, () => {
  it('D07 cordons before it evicts, and leaves static and DaemonSet pods alone', async () => {
    const { server, run, workload, pod, podsOn, until } = await open();
    await workload('web', 2);
    pod('etcd-n1', { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } } });
    const labels = { app: 'cni' };
    server.store.create(daemonSets, {
      metadata: { name: 'cni', namespace: 'default' },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'cni' }] } },
      },
    });
    await until('the DaemonSet', () => podsOn('n1').some(({ metadata }) => metadata.labels?.['app'] === 'cni'));
    server.requests.clear();
    expect(await run(drain)).toBeUndefined();
    expect(podsOn('n1').map(({ metadata }) => metadata.name.slice(0, 4))).toEqual(['cni-', 'etcd']);
    expect(podsOn('n2').filter(({ metadata }) => metadata.labels?.['app'] === 'web')).toHaveLength(2);
    expect(writes().map((write) => write.replace(/web-.*\//, 'web/'))).toEqual([
      'PATCH /api/v1/nodes/n1',
      'POST /api/v1/namespaces/default/pods/web/eviction',
      'POST /api/v1/namespaces/default/pods/web/eviction',
    ]);
    expect(server.store.read(nodes, 'n1').metadata.annotations?.['nightlift/cordoned-by']).toMatch(/^1\.36\.4 /);
  });

  it('empties a node of 100 pods with one request for each and one watch', async () => {
    const { server, run, workload, podsOn } = await open();
    await workload('web', 100);
    server.requests.clear();
    expect(await run(drain)).toBeUndefined();
    expect(podsOn('n1')).toEqual([]);
    const { records } = server.requests;
    const lists = records.filter(({ path }) => path === '/api/v1/pods');
    process.stdout.write(
      `a drain of 100 pods: ${records.length} API requests, ${evictions().length} of them evictions\n`,
    );
    expect(evictions()).toHaveLength(100);
    // Before the cordon, at the start, the watch, and the last look; none for each poll.
    expect(lists.map(({ query }) => query.includes('watch=true'))).toEqual([false, false, true, false]);
    expect(records.length - 100).toBeLessThan(12);
  });

  it('D07 waits for a budget that lets go, says since when it held, and then goes on', async () => {
    const { server, run, workload, budget, podsOn, until, log } = await open();
    await workload('web', 1);
    await budget('keep', 'web', 1);
    const running = run(drain);
    await until('the budget to hold', () => log.some((line) => line.includes('held by budget default/keep')));
    await until('another look', () => evictions().length >= 4);
    expect(podsOn('n1')).toHaveLength(1);
    const said = log.filter((line) => line.includes('held by budget default/keep'));
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(
      /web-\S+ is held by budget default\/keep since \d\d:\d\d:\d\d UTC \(.* needs 1 healthy pods/,
    );
    server.store.delete(podDisruptionBudgets, 'keep', 'default');
    expect(await running).toBeUndefined();
    expect(log.some((line) => /a pod that was held goes .*budget=keep heldSeconds=\d+/.test(line))).toBe(true);
    expect(podsOn('n1')).toEqual([]);
  });

  it('D07 D08 gives up on a budget that never lets go, names it, and lifts its own cordon', async () => {
    const { run, workload, budget, podsOn, isSchedulable } = await open({ settings: { waits: { drainSeconds: 60 } } });
    await workload('web', 1);
    await workload('free', 1);
    await budget('never', 'web', 1);
    const error = await run(drain);
    expect(messageOf(error)).toMatch(
      /^Refused: Draining n1 gave up after 60 s: default\/web-\S+ is held by budget default\/never: .*needs 1 healthy pods and has 1 currently$/,
    );
    expect(reasonsOf(error)).toEqual(['DrainBlocked']);
    expect(podsOn('n1')).toHaveLength(1);
    expect(isSchedulable()).toBe(true);
  });

  it('D08 leaves the cordon of a person when it gives up', async () => {
    const { server, run, workload, budget, isSchedulable } = await open({ settings: { waits: { drainSeconds: 20 } } });
    await workload('web', 1);
    await budget('never', 'web', 1);
    server.store.modify(nodes, 'n1', undefined, (draft) => {
      draft.spec.unschedulable = true;
    });
    expect(reasonsOf(await run(drain))).toEqual(['DrainBlocked']);
    expect(isSchedulable()).toBe(false);
  });

  it('does not ask again before the time that the API server gives', async () => {
    const { server, run, workload } = await open({ speed: 20 });
    await workload('web', 1);
    const fault = { kind: 'status', code: 429, message: 'try again later', retryAfterSeconds: 30 } as const;
    server.faults.add({ method: /POST/, path: /eviction/, times: 1, fault });
    expect(await run(drain)).toBeUndefined();
    const [first = 0, second = 0, ...more] = evictions().map(({ at }) => Date.parse(at));
    expect(more).toEqual([]);
    // Thirty seconds on a clock that goes twenty times as fast.
    expect(second - first).toBeGreaterThan(1400);
  });

  it('D07 refuses a pod under two budgets at once and by name, before anything is changed', async () => {
    const { server, run, workload, budget, isSchedulable } = await open();
    await workload('web', 2);
    await budget('one', 'web', 1);
    await budget('two', 'web', 0);
    server.requests.clear();
    const error = await run(drain);
    expect(messageOf(error)).toMatch(
      /pod default\/web-\S+ has the budgets default\/one and default\/two, and the API evicts no pod/,
    );
    expect(reasonsOf(error)).toEqual(['TwoBudgets', 'TwoBudgets']);
    expect(server.requests.writes).toEqual([]);
    expect(isSchedulable()).toBe(true);
  });

  it('names two budgets that appear while it drains', async () => {
    const { server, run, workload, budget, until, isSchedulable } = await open();
    await workload('web', 1);
    await budget('one', 'web', 1);
    const running = run(drain);
    await until('the budget to hold', () => evictions().length > 0);
    await budget('two', 'web', 1);
    expect(messageOf(await running)).toMatch(/has the budgets default\/one and default\/two/);
    expect(server.store.list(pods)).toHaveLength(1);
    expect(isSchedulable()).toBe(true);
  });

  it('gives up at once where the policy says so, but not on a budget that this drain keeps busy', async () => {
    const { run, workload, budget, podsOn, server } = await open({
      settings: policies({ budget: 'never', action: 'give-up' }, { budget: 'some', action: 'give-up' }),
    });
    await workload('pair', 2);
    await budget('some', 'pair', 1);
    expect(await run(drain)).toBeUndefined();
    expect(podsOn('n2')).toHaveLength(2);
    server.store.modify(nodes, 'n1', undefined, (draft) => {
      draft.spec.unschedulable = false;
    });
    await bench.until('n1 to take pods', () => (server.store.read(nodes, 'n1').spec.taints ?? []).length === 0);
    await workload('web', 1);
    await budget('never', 'web', 1);
    const before = evictions().length;
    const error = await run(drain);
    expect(messageOf(error)).toMatch(/gave up at once, by the policy for budget default\/never: default\/web-/);
    expect(evictions().length - before).toBe(1);
  });

  it('deletes a pod around its budget after the time of the policy, with its own grace period', async () => {
    const { server, run, workload, budget, podsOn, log } = await open({
      settings: policies({ budget: 'never', action: 'delete-after', afterSeconds: 60 }),
    });
    await workload('web', 1, { spec: { terminationGracePeriodSeconds: 7 } });
    await budget('never', 'web', 1);
    const graces = new Set<number | undefined>();
    const unsubscribe = server.store.subscribe(({ resource, object }) => {
      if (
        resource === pods &&
        object.metadata.deletionTimestamp !== undefined &&
        object.metadata.deletionGracePeriodSeconds !== 0
      )
        graces.add(object.metadata.deletionGracePeriodSeconds);
    });
    expect(await run(drain)).toBeUndefined();
    unsubscribe();
    expect(podsOn('n1')).toEqual([]);
    expect([...graces]).toEqual([7]);
    const said = log.find((line) => line.includes('WARN DELETED a pod around its budget')) ?? '';
    expect(Number(/heldSeconds=(\d+)/.exec(said)?.[1])).toBeGreaterThanOrEqual(60);
    expect(said).toMatch(/graceSeconds=7/);
    expect(writes().filter((write) => write.startsWith('DELETE'))).toHaveLength(1);
  });

  it('D07 does not start the clock of delete-after anew when its Job was killed', async () => {
    const { server, run, workload, budget, podsOn, log, until } = await open({
      settings: policies({ budget: 'never', action: 'delete-after', afterSeconds: 100 }),
    });
    await workload('web', 1);
    await workload('free', 3);
    await budget('never', 'web', 1);
    server.requests.clear();
    // Seconds of the drain's clock since the first answer of the budget.
    const held = (until = Date.now()): number => ((until - Date.parse(evictions()[0]?.at ?? '')) / 1000) * 60;
    for (let jobs = 0; jobs < 3; jobs += 1) {
      const kill = new AbortController();
      const running = run(drain, kill.signal);
      const asked = evictions().length;
      await until('another look', () => evictions().length > asked && held() >= (jobs + 1) * 20);
      kill.abort();
      await running;
    }
    expect(await run(drain)).toBeUndefined();
    expect(podsOn('n1')).toEqual([]);
    const said = log.find((line) => line.includes('WARN DELETED a pod around its budget')) ?? '';
    const heldSeconds = Number(/heldSeconds=(\d+)/.exec(said)?.[1]);
    const deletes = bench.server.requests.writes.filter(({ method }) => method === 'DELETE');
    expect(deletes).toHaveLength(1);
    expect(heldSeconds).toBeGreaterThanOrEqual(100);
    // A clock that the last kill had started anew would be behind by 60 of its seconds, one of the machine's.
    expect(Math.abs(heldSeconds - held(Date.parse(deletes[0]?.at ?? '')))).toBeLessThan(50);
    expect(log.filter((line) => line.includes('cordoned'))).toHaveLength(1);
    // The cordon, and one record for the one pod that was held: not one for each pod or each look.
    expect(writes().filter((write) => write === 'PATCH /api/v1/nodes/n1')).toHaveLength(2);
  });

  it('D07 gives up on time although Jobs were killed, and forgets the clock with its own cordon', async () => {
    const { server, run, workload, budget, until, isSchedulable } = await open({
      settings: { waits: { drainSeconds: 60 } },
    });
    await workload('web', 1);
    await budget('never', 'web', 1);
    const record = (): string | undefined =>
      server.store.read(nodes, 'n1').metadata.annotations?.['nightlift/held-since'];
    const kill = new AbortController();
    const killed = run(drain, kill.signal);
    await until('the record', () => record() !== undefined);
    kill.abort();
    await killed;
    expect(isSchedulable()).toBe(false);
    const [uid = ''] = server.store.list(pods).map(({ metadata }) => metadata.uid);
    expect(Object.keys(JSON.parse(record() ?? '{}'))).toEqual([uid]);
    server.store.modify(nodes, 'n1', undefined, (draft) => {
      draft.metadata.annotations = {
        ...draft.metadata.annotations,
        'nightlift/held-since': JSON.stringify({ [uid]: new Date(Date.now() - 3_600_000).toISOString() }),
      };
    });
    const before = evictions().length;
    expect(messageOf(await run(drain))).toMatch(
      /gave up after 60 s: default\/web-\S+ is held by budget default\/never/,
    );
    expect(evictions().length - before).toBe(1);
    expect(isSchedulable()).toBe(true);
    expect(record()).toBeUndefined();
  });

  it("D08 keeps its clocks under a person's cordon too, and takes them away when it gives up", async () => {
    const { server, run, workload, budget, until, isSchedulable } = await open({
      settings: policies({ budget: 'never', action: 'restart-owner' }),
    });
    // A rollout that never ends: its new pod has nowhere to go.
    await workload('web', 1, { spec: { nodeSelector: { 'kubernetes.io/hostname': 'n1' } } });
    await budget('never', 'web', 1);
    server.store.modify(nodes, 'n1', undefined, (draft) => {
      draft.spec.unschedulable = true;
    });
    const record = (): string | undefined =>
      server.store.read(nodes, 'n1').metadata.annotations?.['nightlift/held-since'];
    const kill = new AbortController();
    const killed = run(drain, kill.signal);
    await until('the record', () => record() !== undefined);
    kill.abort();
    await killed;
    const [uid = ''] = Object.keys(JSON.parse(record() ?? '{}') as object);
    server.store.modify(nodes, 'n1', undefined, (draft) => {
      const long = new Date(Date.now() - 3_600_000_000).toISOString();
      draft.metadata.annotations = { ...draft.metadata.annotations, 'nightlift/held-since': `{"${uid}":"${long}"}` };
    });
    expect(messageOf(await run(drain))).toMatch(
      /gave up after 1800 s: default\/web-\S+ is held by budget default\/never: .*; Deployment default\/web is being restarted/,
    );
    expect(record()).toBeUndefined();
    expect(isSchedulable()).toBe(false);
  });

  it('restarts the owner of a single pod, once, so that a new one is there before the old one goes', async () => {
    const { server, run, workload, budget, podsOn, log } = await open({
      settings: policies({ action: 'restart-owner' }),
    });
    await workload('web', 1);
    await budget('never', 'web', 1);
    server.requests.clear();
    expect(await run(drain)).toBeUndefined();
    expect(podsOn('n1')).toEqual([]);
    expect(podsOn('n2')).toHaveLength(1);
    const template = server.store.read(deployments, 'web', 'default').spec.template;
    expect(template.metadata?.annotations?.['kubectl.kubernetes.io/restartedAt']).toMatch(/^\d{4}-/);
    expect(writes().filter((write) => write === 'PATCH /apis/apps/v1/namespaces/default/deployments/web')).toHaveLength(
      1,
    );
    expect(writes().filter((write) => write.startsWith('DELETE'))).toEqual([]);
    expect(log.some((line) => line.includes('restarting the owner'))).toBe(true);
  });

  it('says why a restart would not help, and gives up in the end', async () => {
    const { run, workload, budget, log, server } = await open({
      settings: { ...policies({ action: 'restart-owner' }), waits: { drainSeconds: 30 } },
    });
    await workload('web', 1, { strategy: { type: 'Recreate' } });
    await budget('never', 'web', 1);
    server.requests.clear();
    expect(messageOf(await run(drain))).toMatch(
      /Deployment default\/web has the strategy Recreate, which lets the old pod go first/,
    );
    expect(log.filter((line) => line.includes('cannot be restarted without a gap'))).toHaveLength(1);
    expect(writes().filter((write) => write.includes('/deployments/'))).toEqual([]);
  });

  it('names a pod that does not go although its grace period is over, and deletes nothing by force', async () => {
    const { server, run, pod, log } = await open({ settings: { waits: { drainSeconds: 100 } } });
    pod('stuck', { metadata: { finalizers: ['example.com/never'] }, spec: { terminationGracePeriodSeconds: 1 } });
    const error = await run(drain);
    expect(messageOf(error)).toMatch(
      /default\/stuck should have been gone at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(grace 1 s\) and is still terminating/,
    );
    expect(reasonsOf(error)).toEqual(['PodStuck']);
    expect(log.filter((line) => line.includes('should have been gone'))).toHaveLength(1);
    expect(evictions()).toHaveLength(1);
    expect(writes().filter((write) => write.startsWith('DELETE'))).toEqual([]);
    server.store.modify(pods, 'stuck', 'default', (draft) => {
      delete draft.metadata.finalizers;
    });
  });

  it('tells a pod from a later one of the same name', async () => {
    const { server, run, pod, until } = await open({ controllers: { kubelets: false } });
    const first = pod('db-0');
    server.store.modify(pods, 'db-0', 'default', (draft) => {
      draft.status.phase = 'Running';
    });
    const running = run(drain);
    await until('the first to be told', () => evictions().length === 1);
    server.store.delete(pods, 'db-0', 'default', { gracePeriodSeconds: 0 });
    const second = pod('db-0');
    await until('the second to be told', () => evictions().length === 2);
    expect(second.metadata.uid).not.toBe(first.metadata.uid);
    server.store.delete(pods, 'db-0', 'default', { gracePeriodSeconds: 0 });
    expect(await running).toBeUndefined();
  });

  it('is not kept busy by a pod that tolerates the cordon and comes back', async () => {
    const { run, workload, podsOn, server } = await open();
    await workload('agent', 1, {
      spec: { tolerations: [{ operator: 'Exists' }], nodeSelector: { 'kubernetes.io/hostname': 'n1' } },
    });
    expect(await run(drain)).toBeUndefined();
    expect(podsOn('n1').length).toBeLessThanOrEqual(1);
    expect(evictions()).toHaveLength(1);
    expect(server.store.read(nodes, 'n1').spec.unschedulable).toBe(true);
  });

  it('D07 refuses before the cordon when data would be lost that the settings keep', async () => {
    const { server, run, pod, isSchedulable } = await open({
      settings: { drain: { deleteBarePods: false, deleteEmptyDir: false } },
    });
    pod('mine', { spec: { volumes: [{ name: 'cache', emptyDir: {} }] } });
    const error = await run(drain);
    expect(reasonsOf(error)).toEqual(['BarePod', 'EmptyDir']);
    expect(server.requests.writes).toEqual([]);
    expect(isSchedulable()).toBe(true);
  });

  it('outlasts an API server that is away in the middle', async () => {
    const { server, run, workload, until, podsOn } = await open();
    await workload('web', 12);
    const running = run(drain);
    await until('the first evictions', () => evictions().length > 0);
    await server.setAvailable(false);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await server.setAvailable(true);
    expect(await running).toBeUndefined();
    expect(podsOn('n1')).toEqual([]);
  });
});
