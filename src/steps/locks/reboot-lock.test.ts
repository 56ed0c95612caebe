import { afterEach, describe, expect, it } from 'vitest';
import { type DrainBench, openDrainBench } from '../../../test/support/drain-test-bench.ts';
import { Refused } from '../../chain/outcome.ts';
import { daemonSets, namespaces } from '../../rehearsal/api/resources.ts';
import { rebootLock, returnRebootLock, takeRebootLock } from './reboot-lock.ts';

const KEY = 'weave.works/kured-node-lock';
const OURS = 'nightlift:k8s-upgrade';

let bench: DrainBench;

async function open(options: { readonly args?: string[]; readonly kured?: object } = {}): Promise<void> {
  bench = await openDrainBench({
    settings: { kured: { takeLock: true, ...options.kured }, waits: { alertSeconds: 60 } },
    controllers: { kubelets: false },
  });
  bench.server.store.create(namespaces, { metadata: { name: 'k8s-upgrade' }, spec: {} });
  const labels = { name: 'kured' };
  bench.server.store.create(daemonSets, {
    metadata: { name: 'kured', namespace: 'kube-system' },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'kured', image: 'kured', args: options.args ?? [] }] },
      },
    },
  });
}

const lock = (): string | undefined =>
  bench.server.store.read(daemonSets, 'kured', 'kube-system').metadata.annotations?.[KEY];
const record = (): string | undefined =>
  bench.server.store.read(namespaces, 'k8s-upgrade').metadata.annotations?.['nightlift/k8s-upgrade-kured-lock'];
const write = (value: object | undefined): void => {
  bench.server.store.modify(daemonSets, 'kured', 'kube-system', (draft) => {
    const { [KEY]: _, ...rest } = draft.metadata.annotations ?? {};
    draft.metadata.annotations = value === undefined ? rest : { ...rest, [KEY]: JSON.stringify(value) };
  });
};
const writes = (): string[] => bench.server.requests.writes.map(({ method, path }) => `${method} ${path}`);
const RECORD = 'PATCH /api/v1/namespaces/k8s-upgrade';
const LOCK = 'PATCH /apis/apps/v1/namespaces/kube-system/daemonsets/kured';

afterEach(async () => {
  await bench.close();
});

describe("kured's lock", { timeout: 30_000 }, () => {
  it('is taken after it was written down, renewed by the next Job, and given back', async () => {
    await open();
    bench.server.requests.clear();
    expect(await bench.run(takeRebootLock)).toBeUndefined();
    expect(writes()).toEqual([RECORD, LOCK]);
    const first = JSON.parse(lock() ?? '{}') as { nodeID: string; created: string; TTL: number };
    expect(first).toMatchObject({ nodeID: OURS, TTL: 12 * 3600e9, maxOwners: 1 });
    expect(JSON.parse(record() ?? '{}')).toEqual({ namespace: 'kube-system', daemonSet: 'kured', annotation: KEY });
    expect(await bench.run(rebootLock)).toBeUndefined();
    expect(await bench.run(takeRebootLock)).toBeUndefined();
    expect(writes()).toEqual([RECORD, LOCK, LOCK]);
    expect(Date.parse((JSON.parse(lock() ?? '{}') as { created: string }).created)).toBeGreaterThan(
      Date.parse(first.created),
    );
    expect(await bench.run(returnRebootLock)).toBeUndefined();
    expect([lock(), record()]).toEqual([undefined, undefined]);
  });

  it.each([
    ['a flag with =', ['--period=1h', '--concurrency=3']],
    ['a flag with a space', ['--concurrency', '3']],
  ])('is taken in all its places when the DaemonSet says so by %s', async (_, args) => {
    await open({ args });
    expect(await bench.run(takeRebootLock)).toBeUndefined();
    expect(JSON.parse(lock() ?? '{}')).toMatchObject({ maxOwners: 3, locks: [{}, {}, {}] });
  });

  it('is waited for while a node restarts, and never taken from it', async () => {
    await open();
    write({ nodeID: 'n2', created: '', TTL: 0 });
    const running = bench.run(takeRebootLock);
    await bench.until('a look', () => bench.log.some((line) => line.includes('holds it for n2')));
    expect(lock()).toContain('n2');
    write(undefined);
    expect(await running).toBeUndefined();
    expect(lock()).toContain(OURS);
  });

  it('refuses when somebody does not let it go, and leaves it and no record behind', async () => {
    await open();
    write({ nodeID: 'manual' });
    const error = await bench.run(takeRebootLock);
    expect(error).toBeInstanceOf(Refused);
    expect(String(error)).toMatch(/waiting 60 s for kured to give its lock back: it holds it for manual/);
    expect(lock()).toBe('{"nodeID":"manual"}');
    expect(record()).toBeUndefined();
    expect(writes()).not.toContain(LOCK);
  });

  it('is not taken over the head of a kured that was faster', async () => {
    await open();
    let was = false;
    const stop = bench.server.store.subscribe(({ resource }) => {
      // The record was written; kured comes in between, once the lock was read.
      if (resource === namespaces && !was) {
        was = true;
        write({ nodeID: 'n2', created: '', TTL: 0 });
      }
    });
    const running = bench.run(takeRebootLock);
    await bench.until('a look', () => bench.log.some((line) => line.includes('holds it for n2')));
    stop();
    expect(lock()).toContain('n2');
    write(undefined);
    expect(await running).toBeUndefined();
  });

  it('loses to a write between reading and taking, and looks again', async () => {
    await open();
    const conflict = { kind: 'status', code: 409 } as const;
    bench.server.faults.add({ method: /PATCH/, path: /daemonsets\/kured/, times: 1, fault: conflict });
    expect(await bench.run(takeRebootLock)).toBeUndefined();
    expect(bench.log.some((line) => line.includes('somebody else has written it just now'))).toBe(true);
    expect(lock()).toContain(OURS);
  });

  it('D08 survives a kill after the record: the next Job takes it, and another gives back only what is ours', async () => {
    await open();
    const kill = new AbortController();
    write({ nodeID: 'n2', created: '', TTL: 0 });
    const killed = bench.run(takeRebootLock, kill.signal);
    await bench.until('the record', () => record() !== undefined);
    kill.abort();
    await killed;
    expect(await bench.run(returnRebootLock)).toBeUndefined();
    expect(lock()).toContain('n2');
    expect(record()).toBeUndefined();
    write(undefined);
    expect(await bench.run(takeRebootLock)).toBeUndefined();
    await takeRebootLock.undo?.({ ...bench.context() });
    expect([lock(), record()]).toEqual([undefined, undefined]);
  });

  it('is given back where it was taken, although the settings name another DaemonSet now', async () => {
    await open();
    expect(await bench.run(takeRebootLock)).toBeUndefined();
    const { deps, ...rest } = bench.context();
    const kured = { ...deps.settings.kured, daemonSet: 'other', takeLock: false };
    await returnRebootLock.run({ ...rest, deps: { ...deps, settings: { ...deps.settings, kured } } });
    expect([lock(), record()]).toEqual([undefined, undefined]);
  });

  it('is no matter on a cluster without kured', async () => {
    await open();
    bench.server.store.delete(daemonSets, 'kured', 'kube-system');
    expect(await bench.run(takeRebootLock)).toBeUndefined();
    expect(await bench.run(returnRebootLock)).toBeUndefined();
    expect(record()).toBeUndefined();
  });

  it('is left alone unless a setting says so', async () => {
    await open({ kured: { takeLock: false } });
    expect(await takeRebootLock.skip?.(bench.context())).toBe('kured.takeLock is off');
    expect(await returnRebootLock.skip?.(bench.context())).toBe('it was not taken');
  });
});
