import { describe, expect, it } from 'vitest';
import { controlPlane, OLD, TARGET, worker } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn, errorOf, exampleShell } from '../../../test/support/example-step.ts';
import { stage } from './stage.ts';

const NODES = [controlPlane('cp-1'), controlPlane('cp-2'), worker('worker-1')];

function scene(answer: object = {}, nodes = NODES) {
  const shell = exampleShell({ stage: answer });
  const settings = {
    packages: { freeMegabytes: 2, keyWarnDays: 7, lockTimeoutSeconds: 11, baseUrl: 'https://example.com/k:/' },
  };
  const world = exampleWorld({ nodes, settings, deps: { shell } });
  return { world, shell };
}

describe('stage', () => {
  it.each([
    ['cp-1', 'first-control-plane'],
    ['cp-2', 'control-plane'],
    ['worker-1', 'worker'],
  ])('fetches on %s what its role needs, by the settings, as a command that outlives the Job', async (node, role) => {
    const { world, shell } = scene();
    await stage.run(contextIn(world, { phase: role === 'worker' ? 'worker' : 'master', node }));
    expect(shell.asked).toEqual([`stage on ${node} as nightlift-stage-1-36-4`]);
    const text = shell.scripts[0]?.text ?? '';
    for (const line of [`ROLE='${role}'`, `TARGET='${TARGET}'`, "NEEDED_BYTES='2000000'", "KEY_WARN_DAYS='7'"])
      expect(text).toContain(`\n${line}\n`);
    expect(text).toContain("'https://example.com/k:'");
  });

  it.each([
    [OLD, false],
    [TARGET, true],
  ])('is done on a node that shows %s: %s', async (version, done) => {
    const { world } = scene({}, [worker('worker-1', version)]);
    expect(await stage.isDone?.(contextIn(world))).toBe(done);
  });

  it.each([
    [23, 'node'],
    [15, 'network'],
  ])('fails with what the script says, exit code %i', async (exitCode, kind) => {
    const { world } = scene({ exitCode, tail: 'nightlift: failed: no room\n' });
    expect(await errorOf(stage.run(contextIn(world)))).toMatchObject({
      kind,
      message: `fetching packages and images of 1.36.4 on worker-1: stage.sh ended with exit code ${exitCode}: no room`,
    });
  });
});
