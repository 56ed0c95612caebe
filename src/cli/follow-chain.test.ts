import { describe, expect, it } from 'vitest';
import { controlPlane, TARGET, worker } from '../../test/support/clusters.ts';
import { exampleJob, exampleWorld } from '../../test/support/example-deps.ts';
import type { Call } from './call/command.ts';
import { followChain, readable } from './follow-chain.ts';

describe('what a chain came to that was followed', () => {
  const follow = async (annotations: Readonly<Record<string, string>>) => {
    const lines: string[] = [];
    const results: unknown[] = [];
    const world = exampleWorld({
      nodes: [controlPlane('cp-1', TARGET), worker('w-1', TARGET)],
      cluster: { jobLog: async () => 'what it said' },
    });
    for (const [key, value] of Object.entries(annotations))
      world.annotations.set(`nightlift/k8s-upgrade-${key}`, value);
    const job = exampleJob('k8s-upgrade-postflight-1-36-4', { status: 'complete', target: TARGET });
    world.jobs.set(job.name, job);
    const output: Call['output'] = {
      terminal: false,
      color: false,
      columns: 80,
      line: (text = '') => void lines.push(text),
      json: (value) => void results.push(value),
    } as Call['output'];
    const call = { commands: [], values: {}, positionals: [], output, signal: new AbortController().signal };
    const code = await followChain(call, world.deps, TARGET);
    return { code, text: lines.join('\n'), result: results[0] };
  };

  it('is done when all nodes are on the target and the run is closed', async () => {
    expect(await follow({})).toMatchObject({ code: 0, result: { outcome: 'upgraded' } });
  });

  it('is not done when postflight has not closed the run', async () => {
    const { code, text, result } = await follow({
      'in-flight': '2026-11-21T23:00:00Z',
      stopped: 'blocked in postflight: x',
    });
    expect(code).toBe(2);
    expect(text).not.toContain('Done');
    expect(text).toContain('Stopped before the end: the run is not closed.');
    expect(text).toContain('  what it said');
    expect(result).toMatchObject({ outcome: 'refused', behind: [] });
  });
});

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
