import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importGraph } from './import-graph.ts';
import { brokenWalls } from './walls.ts';

const ROOT = join(import.meta.dirname, '../..');

function walls(imports: readonly string[], circles: readonly (readonly string[])[] = []): readonly string[] {
  const arrows = imports.map((arrow) => {
    const [from = '', to = ''] = arrow.split(' → ').map((file) => `src/${file}`);
    return { from, to };
  });
  return brokenWalls({ imports: arrows, circles: circles.map((files) => files.map((file) => `src/${file}`)) });
}

describe('the walls of the house', () => {
  it.each([
    'phases/master.ts → steps/drain/drain.ts',
    'steps/drain/drain.ts → chain/phase.ts',
    'steps/drain/drain.ts → steps/node/cordon.ts',
    'cluster/kube-client.ts → http/fetch-text.ts',
    'deps.ts → cluster/cluster.ts',
    'main.ts → cli/run-cli.ts',
    'cli/demo/demo.ts → rehearsal/scenarios.ts',
    'rehearsal/embedded-cluster.ts → install/bundle.ts',
    'rehearsal/night.ts → report/night.ts',
    'install/rbac-objects.ts → cluster/permissions.ts',
    'gate/example-options.ts → facts/example-facts.ts',
  ])('let %s through', (arrow) => {
    expect(walls([arrow])).toEqual([]);
  });

  it.each([
    ['chain/run-phase.ts → phases/phases.ts', 'up, from floor 4 to floor 6'],
    ['facts/facts.ts → cluster/cluster.ts', 'up, from floor 1 to floor 2'],
    ['http/fetch-text.ts → cluster/cluster.ts', 'up within floor 2'],
    ['gate/check.ts → observe/observe.ts', 'sideways on floor 3'],
    ['report/night.ts → detect/detect.ts', 'sideways on floor 6'],
    ['cli/gate.ts → rehearsal/scenarios.ts', 'only src/cli/demo/ may import src/rehearsal/'],
    ['wire.ts → install/bundle.ts', 'only src/rehearsal/, src/cli/network-policy.ts may import src/install/'],
    ['install/bundle.ts → chain/job-manifest.ts', 'may import src/errors.ts, src/settings/, src/cluster/ only'],
    ['cli/gate.ts → utils/strings.ts', 'src/utils/strings.ts stands on no floor'],
    ['gate/checks.ts → facts/example-facts.ts', 'an example for tests'],
  ])('stop %s', (arrow, why) => {
    expect(walls([arrow])).toEqual([expect.stringContaining(why)]);
  });

  it('say where the code should go', () => {
    expect(walls(['steps/run/latch.ts → report/night.ts'])[0]).toContain(
      'What both need belongs below src/steps/: src/chain/, src/observe/, src/gate/',
    );
  });

  it('stop a ring of files, and do not tell it beside the arrow that explains it', () => {
    const ring = ['steps/a.ts', 'steps/b.ts'];
    expect(walls(['steps/a.ts → steps/b.ts', 'steps/b.ts → steps/a.ts'], [ring])).toEqual([
      'src/steps/a.ts → src/steps/b.ts → src/steps/a.ts import each other in a ring. Put what two of them share into a file that imports neither.',
    ]);
    const up = ['chain/a.ts → steps/b.ts', 'steps/b.ts → chain/a.ts'];
    expect(walls(up, [['chain/a.ts', 'steps/b.ts']])).toEqual([expect.stringContaining('up, from floor 4 to floor 5')]);
  });

  it('stop a ring of folders whose files make none', () => {
    const arrows = ['steps/drain/a.ts → steps/node/b.ts', 'steps/node/c.ts → steps/drain/d.ts'];
    expect(walls(arrows)).toEqual([expect.stringContaining('the folders src/steps/drain, src/steps/node')]);
  });

  it('take a file beside folders for a room of its own', () => {
    expect(walls(['cli/commands.ts → cli/demo/demo-command.ts', 'cli/demo/demo-command.ts → cli/help.ts'])).toEqual([]);
  });
});

describe('the graph of imports', () => {
  it('has types and dynamic imports in it, and no test', async () => {
    const { imports } = await importGraph(ROOT);
    const has = (from: string, to: string) => imports.some((one) => one.from === from && one.to === to);
    expect(has('src/gate/check.ts', 'src/facts/facts.ts')).toBe(true);
    expect(has('src/wire/on-demand.ts', 'src/node/ssh-node-shell.ts')).toBe(true);
    expect(imports.filter(({ from }) => from.endsWith('.test.ts'))).toEqual([]);
  });

  it('finds a ring of types', async () => {
    const { circles } = await importGraph(ROOT, 'test/fixtures/ring');
    expect(circles.map((files) => files.toSorted())).toEqual([
      ['test/fixtures/ring/one.ts', 'test/fixtures/ring/other.ts'],
    ]);
  });
});
