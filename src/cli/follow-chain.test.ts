import { describe, expect, it } from 'vitest';
import { exampleWorld, type WorldOptions } from '../../test/support/example-deps.ts';
import { exampleNode } from '../facts/example-facts.ts';
import type { JobFact } from '../facts/facts.ts';
import type { Call } from './call/command.ts';
import type { Output } from './call/output.ts';
import { elapsed, followChain, readable } from './follow-chain.ts';

it.each([
  ['{"level":"info","message":"phase starts"}', ['phase starts']],
  [
    '{"level":"warn","message":"worker-1 is full","reason":"DiskFull","remedy":"make room"}',
    ['WARN worker-1 is full: DiskFull', '    what to do: make room'],
  ],
  ['{"level":"warn","message":"could not read alerts","error":"refused"}', ['WARN could not read alerts: refused']],
  ['no JSON at all', ['no JSON at all']],
  ['{"half":', ['{"half":']],
  ['7', ['7']],
  ['  ', []],
])('a line of a log as people read it: %s', (line, expected) => {
  expect(readable(line)).toEqual(expected);
});

const TARGET = '1.36.4';

function job(phase: string, fields: Partial<JobFact> = {}): JobFact {
  return {
    name: `k8s-upgrade-${phase}-1-36-4`,
    phase,
    target: TARGET,
    node: null,
    runner: null,
    status: 'complete',
    reason: '',
    createdAt: '2026-11-21T22:50:00Z',
    finishedAt: '2026-11-21T22:54:22Z',
    ...fields,
  };
}

/** What is left of a chain that has ended, and what following it says. */
async function follow(jobs: readonly JobFact[], run: Readonly<Record<string, string>>, options: WorldOptions = {}) {
  const nodes = ['cp-1', 'worker-1'].map((name) => exampleNode(name, { kubelet: TARGET }));
  const world = exampleWorld({ nodes, cluster: { jobLog: async () => 'the last words' }, ...options });
  for (const one of jobs) world.jobs.set(one.name, one);
  for (const [key, value] of Object.entries(run)) world.annotations.set(`nightlift/k8s-upgrade-${key}`, value);
  const lines: string[] = [];
  const output = { color: false, line: (text = '') => void lines.push(text) } as Output;
  const call: Call = { commands: [], values: {}, positionals: [], output, signal: AbortSignal.timeout(10_000) };
  return { ...(await followChain(call, world.deps, TARGET)), lines };
}

const OPEN = { 'in-flight': '2026-11-21T22:50:00Z', target: TARGET };

describe('the end of a chain that is followed', () => {
  it('is done when every node is on the version and the run is closed', async () => {
    const { code, said, lines } = await follow([job('postflight')], {});
    expect([code, said]).toEqual([0, { outcome: 'upgraded', target: TARGET, seconds: 8 }]);
    expect(lines).toContain('23:00:00 k8s-upgrade-postflight-1-36-4: complete after 4m22s');
    expect(lines.at(-1)).toBe('Done: all 2 nodes are on 1.36.4.');
  });

  it.each([
    [
      'with its reason',
      { ...OPEN, stopped: 'paused: the kill switch is engaged' },
      /not closed: paused: the kill switch/,
    ],
    ['without one', OPEN, /all nodes are on 1\.36\.4, and the run is not closed\.$/m],
  ])('is not done when postflight has not closed the run, %s', async (_, run, says) => {
    const { code, said, lines } = await follow([job('postflight')], run);
    expect([code, said['outcome']]).toEqual([2, 'refused']);
    expect(lines.join('\n')).toMatch(says);
    expect(lines.join('\n')).not.toContain('Done');
  });

  it('is done beside the open record of another version', async () => {
    expect(await follow([job('postflight')], { ...OPEN, target: '1.36.3' })).toMatchObject({ code: 0 });
  });

  it('names the snapshot of this run with its size, and none of another', async () => {
    const run = { ...OPEN, 'snapshot-path': 'cp-1:/a.db', 'snapshot-bytes': '7340064' };
    const { said, lines } = await follow([job('postflight')], run);
    expect(said['snapshot']).toEqual({ file: 'cp-1:/a.db', bytes: 7_340_064 });
    expect(lines.join('\n')).toContain('snapshot of etcd: cp-1:/a.db (7.3 MB)');
    expect((await follow([job('postflight')], { ...run, target: '1.36.3' })).said).not.toHaveProperty('snapshot');
  });
});

it.each([
  [0, '0s'],
  [59.4, '59s'],
  [262, '4m22s'],
  [3605, '60m05s'],
])('%d seconds are %s', (seconds, text) => {
  expect(elapsed(seconds)).toBe(text);
});
