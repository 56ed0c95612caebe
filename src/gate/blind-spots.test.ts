import { describe, expect, it } from 'vitest';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import { type ApiServerMetricsFact, Facts } from '../facts/facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { known, unknown } from '../observed.ts';
import { blindSpots } from './blind-spots.ts';

const NOW = '2026-11-21T06:07:00.000Z';
const WEEK_AGO = '2026-11-14T06:07:00.000Z';

type Instance = ApiServerMetricsFact['instances'][number];

const PLANES = ['cp1', 'cp2', 'cp3'].map((name, index) =>
  exampleNode(name, { internalIp: `10.0.0.${index + 1}`, kubelet: '1.35.8' }),
);
const instance = (name: string, fields: Partial<Instance> = {}): Instance => ({
  job: 'apiserver',
  instance: name,
  up: true,
  since: WEEK_AGO,
  ...fields,
});
const THREE = PLANES.map(({ internalIp }) => instance(`${internalIp}:6443`));

function spots(instances: readonly Instance[], nodes: readonly NodeFact[] = PLANES, lookbackHours = 168) {
  return blindSpots(
    exampleFacts({
      observedAt: NOW,
      nodes: known([...nodes, exampleNode('worker-1')]),
      apiServerMetrics: known({ lookbackHours, instances: [...instances] }),
    }),
  );
}

describe('blind spots of Prometheus', () => {
  it.each<[string, readonly Instance[]]>([
    ['every API server is scraped by its address', THREE],
    ['by its name', PLANES.map(({ name }) => instance(name))],
    ['by a name of another world, as many as there are', ['x', 'y', 'z'].map((name) => instance(name))],
    ['by two jobs, one of them down', [...THREE, instance('10.0.0.1:6443', { job: 'other', up: false })]],
    [
      'since an hour after the look-back began, which is as exactly as it is known',
      THREE.map((one) => ({ ...one, since: '2026-11-14T07:07:00.000Z' })),
    ],
    [
      'its job got another name a day ago, and the data of the old one are there',
      [
        ...THREE.slice(1),
        instance('10.0.0.1:6443', { job: 'old', up: false }),
        instance('10.0.0.1:6443', { since: '2026-11-20T00:00:00.000Z' }),
      ],
    ],
    [
      'one of two jobs has seen it for long enough',
      [...THREE, instance('10.0.0.2:6443', { job: 'other', since: '2026-11-20T00:00:00.000Z' })],
    ],
    ['and one that is gone, is remembered', [...THREE, instance('10.0.0.9:6443', { up: false })]],
  ])('are none when %s', (_name, instances) => {
    expect(spots(instances)).toBeUndefined();
  });

  it('knows IPv6 addresses', () => {
    const nodes = PLANES.slice(0, 2).map((plane, index) => ({ ...plane, internalIp: `fd00::${index + 1}` }));
    expect(spots([instance('[fd00::1]:6443'), instance('[fd00::2]:6443')], nodes)).toBeUndefined();
    expect(spots([instance('[fd00::1]:6443'), instance('[fd00::1]:9443')], nodes)?.why).toMatch(
      /no metrics .* on cp2$/,
    );
  });

  it('are none of an API server that is younger than the look-back, from its first day on', () => {
    const young = exampleNode('cp3', { internalIp: '10.0.0.3', createdAt: '2026-11-19T00:00:00.000Z' });
    const nodes = [...PLANES.slice(0, 2), young];
    const since = (time: string) => [...THREE.slice(0, 2), instance('10.0.0.3:6443', { since: time })];
    expect(spots(since('2026-11-19T00:30:00.000Z'), nodes)).toBeUndefined();
    expect(spots(since('2026-11-20T00:00:00.000Z'), nodes)?.why).toMatch(/^what .* on cp3 goes back to/);
  });

  it('are the API servers that are not scraped, by name', () => {
    expect(spots(THREE.slice(0, 1))).toEqual({
      why: 'Prometheus has no metrics of the API servers on cp2, cp3',
      remedy:
        'Let Prometheus scrape every API server by itself (role endpoints of the Service default/kubernetes), not one address for all.',
    });
  });

  it('are as many as there are too few, where no label tells which', () => {
    expect(spots([instance('api.example:6443')])?.why).toBe(
      'Prometheus has metrics of 1 of the 3 API servers (api.example:6443)',
    );
    const oneDown = ['x', 'y', 'z'].map((name) => instance(name, { up: name !== 'z' }));
    expect(spots(oneDown)?.why).toBe('Prometheus has metrics of 2 of the 3 API servers (x, y)');
    expect(spots([])?.why).toBe('Prometheus has metrics of 0 of the 3 API servers');
  });

  it('are the API servers that cannot be scraped now', () => {
    const instances = [...THREE.slice(1), instance('10.0.0.1:6443', { up: false })];
    expect(spots(instances)).toEqual({
      why: 'Prometheus cannot scrape the API server on cp1 now (down: apiserver 10.0.0.1:6443)',
      remedy: 'See /targets of Prometheus for why not.',
    });
  });

  it('are data that do not go back far enough, and say how to set it', () => {
    const young = THREE.map((one) => ({ ...one, since: '2026-11-19T04:07:00.000Z' }));
    expect(spots(young)).toEqual({
      why: 'what Prometheus has of the API servers on cp1, cp2, cp3 goes back to 2026-11-19T04:07:00.000Z, 50 h, and alerts.lookbackHours asks for 168',
      remedy:
        'Wait until 2026-11-26T04:07:00.000Z if Prometheus keeps its data for that long (--storage.tsdb.retention.time); else let it keep them longer, or set alerts.lookbackHours to 50 or less.',
    });
    expect(spots(young, PLANES, 50)).toBeUndefined();
    expect(
      spots(['x', 'y', 'z'].map((name) => instance(name, { since: '2026-11-21T05:50:00.000Z' })))?.remedy,
    ).toContain('set alerts.lookbackHours to 0.2 or less');
  });

  it('are the latest beginning of all, and those only that begin too late', () => {
    const since = ['2026-11-16T00:00:00.000Z', '2026-11-18T00:00:00.000Z', WEEK_AGO];
    const named = spots(THREE.map((one, index) => ({ ...one, since: since[index] ?? '' })));
    expect(named?.why).toMatch(/^what Prometheus has of the API servers on cp1, cp2 goes back to 2026-11-18T00:00/);
    const nameless = spots(['x', 'y', 'z'].map((name, index) => instance(name, { since: since[index] ?? '' })));
    expect(nameless?.why).toMatch(/^what Prometheus has of the API servers on x, y goes back to 2026-11-18T00:00/);
    expect(nameless?.why).not.toContain('of the 3');
  });

  it('have no setting to go by when data have just begun', () => {
    expect(spots(THREE.map((one) => ({ ...one, since: NOW })))?.remedy).toMatch(/; else let it keep them longer\.$/);
  });

  it('are told all at once', () => {
    const why = spots([instance('10.0.0.1:6443', { up: false }), instance('10.0.0.2:6443', { since: NOW })])?.why ?? '';
    expect(why.split('; ')).toHaveLength(3);
  });

  it('are everything when it could not be asked, or nobody knows how many control planes there are', () => {
    expect(blindSpots(exampleFacts({ apiServerMetrics: unknown('no answer') }))).toMatchObject({ why: 'no answer' });
    expect(blindSpots(exampleFacts({ nodes: unknown('403') }))?.why).toBe('the control planes are not known: 403');
    expect(blindSpots(exampleFacts({ nodes: known([exampleNode('worker-1')]) }))?.why).toMatch(/no control plane/);
  });

  it('are not looked for in facts of an older version', () => {
    const { apiServerMetrics: _, ...older }: Facts = exampleFacts({ nodes: unknown('403') });
    expect(blindSpots(Facts.parse(JSON.parse(JSON.stringify(older))))).toBeUndefined();
  });
});
