import { expect, test } from 'vitest';
import type { Pod } from './kinds.ts';
import { configMaps, nodes, pods } from './resources.ts';
import { Store } from './store.ts';

const spec = { nodeName: 'n1', containers: [{ name: 'main' }] };

test('what is read cannot be changed by accident', () => {
  const store = new Store();
  const node = store.create(nodes, { metadata: { name: 'n1' }, spec: {} });
  expect(() => {
    node.spec.unschedulable = true;
  }).toThrow(TypeError);
  store.modify(nodes, 'n1', undefined, (draft) => {
    draft.spec.unschedulable = true;
  });
  expect(store.read(nodes, 'n1').spec.unschedulable).toBe(true);
});

test('events come in order, also when a listener writes', () => {
  const store = new Store();
  const seen: string[] = [];
  store.subscribe(({ type, object }) => {
    if (type !== 'ADDED' || object.metadata.name !== 'a') return;
    store.create(configMaps, { metadata: { name: 'b' } });
  });
  store.subscribe(({ type, object, version }) => seen.push(`${type} ${object.metadata.name} ${version}`));
  const first = store.create(configMaps, { metadata: { name: 'a' } });
  const at = Number(first.metadata.resourceVersion);
  expect(seen).toEqual([`ADDED a ${at}`, `ADDED b ${at + 1}`]);
});

test('a modification that changes nothing makes no event', () => {
  const store = new Store();
  const before = store.create(configMaps, { metadata: { name: 'a' }, data: { x: '1' } });
  const events: unknown[] = [];
  store.subscribe((event) => events.push(event));
  const after = store.modify(configMaps, 'a', 'default', (draft) => {
    draft.data = { x: '1' };
  });
  expect([after, events]).toEqual([before, []]);
});

test('lists are in the order of names and filtered by labels and fields', () => {
  const store = new Store();
  for (const [name, app] of [
    ['b', 'x'],
    ['a', 'x'],
    ['c', 'y'],
  ] as const) {
    store.create(pods, {
      metadata: { name, labels: { app } },
      spec: { ...spec, nodeName: name === 'a' ? 'n2' : 'n1' },
    });
  }
  const names = (list: readonly Pod[]): string[] => list.map(({ metadata }) => metadata.name);
  expect(names(store.list(pods))).toEqual(['a', 'b', 'c']);
  expect(names(store.list(pods, { labels: 'app in (x)', fields: { 'spec.nodeName': 'n1' } }))).toEqual(['b']);
  expect(names(store.list(pods, { namespace: 'other' }))).toEqual([]);
});

test('a pod that runs keeps its grace period until its kubelet is done', () => {
  const store = new Store({ now: () => new Date('2026-11-20T10:00:00Z') });
  store.create(pods, { metadata: { name: 'a' }, spec, status: { phase: 'Running' } });
  const { gone, object } = store.delete(pods, 'a', 'default', { gracePeriodSeconds: 5 });
  expect([gone, object.metadata.deletionTimestamp, object.metadata.deletionGracePeriodSeconds]).toEqual([
    false,
    '2026-11-20T10:00:05Z',
    5,
  ]);
  expect(store.delete(pods, 'a', 'default', { gracePeriodSeconds: 0 }).gone).toBe(true);
});

test('a mirror pod goes at once, and a dry run deletes nothing', () => {
  const store = new Store();
  const annotations = { 'kubernetes.io/config.mirror': 'hash' };
  store.create(pods, { metadata: { name: 'a', annotations }, spec, status: { phase: 'Running' } });
  store.delete(pods, 'a', 'default', { dryRun: true });
  expect(store.get(pods, 'a', 'default')).toBeDefined();
  expect(store.delete(pods, 'a').gone).toBe(true);
});
