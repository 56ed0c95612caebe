import { describe, expect, it } from 'vitest';
import { OLD, TARGET } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn, errorOf, exampleShell, refusalOf } from '../../../test/support/example-step.ts';
import { exampleNode } from '../../facts/example-facts.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { containerd, stageContainerd, stageContainerds } from './containerd.ts';

describe('the step that raises containerd', () => {
  function scene(options: { version?: string; own?: string; workers?: string; raise?: boolean; answer?: object } = {}) {
    const { version = OLD, own = '1.6.20', workers: others = '1.7.24', raise = true, answer = {} } = options;
    const shell = exampleShell({ 'raise-containerd': answer });
    const world = exampleWorld({
      nodes: [
        exampleNode('cp-1', { kubelet: version, containerRuntime: `containerd://${own}` }),
        exampleNode('worker-1', { containerRuntime: `containerd://${others}` }),
      ],
      settings: { containerd: { raise }, packages: { lockTimeoutSeconds: 77 } },
      deps: { shell },
    });
    return { shell, world, context: contextIn(world, { phase: 'master', node: 'cp-1' }) };
  }

  it('D22 lets nothing pause between the drain and its end', () => {
    expect(containerd.critical).toBe(true);
  });

  it.each([
    ['is behind', {}, undefined],
    ['is behind, and the setting is off', { raise: false }, 'containerd.raise is off'],
    ['is on the target already', { version: TARGET }, 'the node is on the target already'],
    ['is not behind', { own: '1.7.24' }, "it is not behind the workers'"],
  ])('is skipped, with the reason, or not on a node that %s', async (_title, options, want) => {
    expect(await containerd.skip?.(scene(options).context)).toBe(want);
  });

  it("raises it to the workers' version, as a command that outlives the Job", async () => {
    const { shell, world, context } = scene();
    await containerd.run(context);
    expect(shell.asked).toEqual(['raise-containerd on cp-1 as nightlift-containerd-1-36-4']);
    expect(shell.scripts[0]?.text).toContain("\nVERSION='1.7.24'\n");
    expect(shell.scripts[0]?.text).toContain("DPkg::Lock::Timeout=\"'77'\n");
    expect(world.seen.log.map(({ message }) => message)).toEqual(['containerd raised']);
  });

  it('does nothing when it is not behind any more', async () => {
    const { shell, world, context } = scene({ own: '1.7.24' });
    await containerd.run(context);
    expect([shell.asked, world.seen.log]).toEqual([[], []]);
  });

  it('fails with what the script says, and does not say that it is raised', async () => {
    const { world, context } = scene({ answer: { exitCode: 30, tail: 'nightlift: failed: it does not start\n' } });
    expect(await errorOf(containerd.run(context))).toMatchObject({
      kind: 'node',
      message: 'raising containerd to 1.7.24 on cp-1: raise-containerd.sh ended with exit code 30: it does not start',
    });
    expect(world.seen.log).toEqual([]);
  });
});

const GONE =
  'nightlift: failed: no source of this node has containerd 1.7.27\nnightlift: what to do: see what they have\n';
const KEEPS = (own: string, consequence: string): string =>
  `cp-1 cannot be raised to the workers' containerd 1.7.27 and keeps containerd://${own}, which is ${consequence} for 1.36.4: no source of this node has containerd 1.7.27`;

describe('a containerd that cannot be had', () => {
  function scene(own: string, exitCode = 40, tail = GONE) {
    const shell = exampleShell({ 'stage-containerd': { exitCode, tail }, 'raise-containerd': { exitCode, tail } });
    const world = exampleWorld({
      nodes: [
        exampleNode('cp-1', { containerRuntime: `containerd://${own}` }),
        exampleNode('cp-2', { containerRuntime: 'containerd://1.7.27' }),
        exampleNode('worker-1', { containerRuntime: 'containerd://1.7.27' }),
      ],
      deps: { shell },
    });
    const said = (): string[] => world.seen.log.map(({ level, message }) => `${level}: ${message}`);
    return { shell, world, said, context: contextIn(world, { phase: 'master', node: 'cp-1' }) };
  }

  it.each([
    ['in preflight', stageContainerds],
    ['before the drain', stageContainerd],
  ])('is a warning %s while the node has one that the target starts with', async (_title, step) => {
    const { shell, said, context } = scene('1.7.24');
    expect(await step.skip?.(context)).toBeUndefined();
    await step.run(context);
    expect(shell.asked).toEqual(['stage-containerd on cp-1 as nightlift-stage-containerd-1-36-4']);
    expect(said()).toEqual([expect.stringContaining(KEEPS('1.7.24', 'new enough'))]);
    expect(said()[0]).toMatch(/^warn: /);
  });

  it.each([
    ['in preflight', stageContainerds],
    ['before the drain', stageContainerd],
  ])('refuses %s while the node has one that is too old for the target', async (_title, step) => {
    const { said, world, context } = scene('1.6.8');
    expect(await refusalOf(step.run(context))).toEqual([
      {
        check: 'containerd',
        reason: 'ContainerdNotAvailable',
        class: 'actionable',
        severity: 'block',
        message: KEEPS('1.6.8', 'too old'),
        remedy: 'see what they have',
      },
    ]);
    expect([said(), world.seen.changes]).toEqual([[], []]);
  });

  it('is a warning after the drain as well, where nothing was changed', async () => {
    const { said, context } = scene('1.7.24');
    await containerd.run(context);
    expect(said()).toEqual([expect.stringContaining(KEEPS('1.7.24', 'new enough'))]);
  });

  it.each([
    ['too old for the target', '1.6.8', 40],
    ['half installed', '1.7.24', 42],
    ['not answering', '1.7.24', 41],
  ])('fails after the drain when it is %s', async (_title, own, exitCode) => {
    expect(await errorOf(containerd.run(scene(own, exitCode).context))).toMatchObject({ kind: 'node' });
  });

  it.each([11, 28])('is none tonight when lock or disk keep it away: exit code %s', async (exitCode) => {
    const { said, context } = scene('1.7.24', exitCode);
    await stageContainerd.run(context);
    expect(said()).toEqual([expect.stringMatching(/^warn: .*cannot be raised/)]);
  });

  it.each([25, 26])('fails where the machine is not the node: exit code %s', async (exitCode) => {
    expect(await errorOf(stageContainerd.run(scene('1.7.24', exitCode).context))).toMatchObject({ kind: 'node' });
  });
});

describe('the containerd that is fetched before the drain', () => {
  const world = (fields: Partial<NodeFact>, raise = true) =>
    exampleWorld({
      nodes: [
        exampleNode('cp-1', { containerRuntime: 'containerd://1.7.24', ...fields }),
        exampleNode('worker-1', { containerRuntime: 'containerd://1.7.27' }),
      ],
      settings: { containerd: { raise } },
      deps: { shell: exampleShell() },
    });

  it.each<[string, Partial<NodeFact>, boolean, string | undefined, string | undefined]>([
    ['is behind', {}, true, undefined, undefined],
    ['is not to be raised', {}, false, 'containerd.raise is off', 'containerd.raise is off'],
    ['is on the target', { kubelet: TARGET }, true, "none is behind the workers'", "none is behind the workers'"],
    ['is cordoned by us', { cordonedBy: TARGET }, true, "none is behind the workers'", "none is behind the workers'"],
    ['is down', { ready: 'no' }, true, "none is behind the workers'", undefined],
    [
      'is not behind',
      { containerRuntime: 'containerd://1.7.27' },
      true,
      "none is behind the workers'",
      "none is behind the workers'",
    ],
  ])('is that of a control plane that %s', async (_title, fields, raise, inPreflight, before) => {
    const there = world(fields, raise);
    expect(await stageContainerds.skip?.(contextIn(there, { phase: 'preflight' }))).toBe(inPreflight);
    expect(await stageContainerd.skip?.(contextIn(there, { phase: 'master', node: 'cp-1' }))).toBe(before);
  });

  it('is said', async () => {
    const there = world({});
    await stageContainerds.run(contextIn(there, { phase: 'preflight' }));
    expect(there.seen.log.map(({ message, fields }) => [message, fields])).toEqual([
      ['containerd fetched', { node: 'cp-1', version: '1.7.27' }],
    ]);
  });
});
