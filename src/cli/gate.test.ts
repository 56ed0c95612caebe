import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { callCli } from '../../test/support/call-cli.ts';
import { allChecks } from '../chain/checks.ts';
import { exampleAlert, exampleFacts, exampleNode } from '../facts/example-facts.ts';
import type { Facts, WorkloadFact } from '../facts/facts.ts';
import { known } from '../observed.ts';

const folder = mkdtempSync(join(tmpdir(), 'nightlift-gate-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

async function gate(facts: Facts, target: string, ...more: readonly string[]) {
  const file = write('facts.json', JSON.stringify(facts));
  return await callCli(['gate', '--facts', file, '--target', target, ...more]);
}

const workload = (kind: WorkloadFact['kind'], name: string, image: string): WorkloadFact => {
  const [namespace = '', short = ''] = name.split('/');
  return { kind, namespace, name: short, images: [image] };
};
const running = (version: string, ...workloads: WorkloadFact[]): Facts => {
  const facts = exampleFacts({ workloads: known(workloads) }, version);
  // The packages of the example are those of its own version.
  if (version !== '1.36.3') delete facts.surveys;
  return facts;
};
const gpu = workload('Deployment', 'nvidia/gpu-operator', 'nvcr.io/nvidia/gpu-operator:v25.10.0');
const kyverno = workload('Deployment', 'kyverno/kyverno-admission-controller', 'ghcr.io/kyverno/kyverno:v1.18.1');

const MATRIX = 'addons: [{ name: nvidia-gpu-operator, pinned: true, reason: needs a newer driver }]\n';

describe('nightlift gate of facts in a file', () => {
  it.each<{ title: string; facts: Facts; target: string; says: RegExp; code: number }>([
    {
      title: 'refuses minors that are skipped',
      facts: running('1.34.3'),
      target: '1.38.1',
      says: /^1\.38\.1: blocked,[^\n]*\n[^]*4 minors above[^\n]*\[version-skew: IllegalJump\]/,
      code: 2,
    },
    {
      title: 'refuses a lower version',
      facts: running('1.34.3'),
      target: '1.33.1',
      says: /^1\.33\.1: blocked,[^\n]*\n.*is lower than the running 1\.34\.3/,
      code: 2,
    },
    {
      title: 'refuses another major, and asks of it what a minor is asked',
      facts: running('1.36.3', workload('DaemonSet', 'calico-system/calico-node', 'quay.io/calico/node:v3.30.7')),
      target: '2.0.0',
      says: /^2\.0\.0: held\n[^]*\[addon-compat: \w+\][^]*another major version/,
      code: 2,
    },
    {
      title: 'refuses a node that is not Ready and an alert, as preflight does',
      facts: exampleFacts({
        nodes: known([exampleNode('cp-1'), exampleNode('worker-1', { ready: 'no' })]),
        alerts: known([exampleAlert('KubeAPIDown')]),
      }),
      target: '1.36.4',
      says: /^1\.36\.4: blocked\n[^]*worker-1[^\n]*\[nodes-ready: NodeNotReady\][^]*KubeAPIDown[^\n]*\[firing-alerts: AlertFiring\]/,
      code: 2,
    },
    {
      title: 'lets through what nothing is against',
      facts: running('1.36.3'),
      target: '1.36.4',
      says: /^1\.36\.4: safe\n$/,
      code: 0,
    },
  ])('$title', async ({ facts, target, says, code }) => {
    const { out, code: ended } = await gate(facts, target);
    expect(out).toMatch(says);
    expect(ended).toBe(code);
  });

  it('tells of every check with --verbose', async () => {
    const { out } = await gate(exampleFacts({ alerts: known([exampleAlert('KubeAPIDown')]) }), '1.36.4', '--verbose');
    expect(out).toMatch(/^ {2}passed removed-apis {2}\[by deprecatedApis, apiServerMetrics, nodes\]$/m);
    expect(out.match(/^ {2}passed /gm)).toHaveLength(allChecks.length - 1);
    expect(out).not.toMatch(/passed firing-alerts/);
  });

  it('names what these facts cannot answer, and does not call it safe', async () => {
    const facts = running('1.36.3');
    delete facts.surveys;
    delete facts.leavingPods;
    const { out } = await gate(facts, '1.36.4');
    expect(out).toMatch(
      new RegExp(`^1\\.36\\.4: safe, as far as was asked: ${allChecks.length - 15} of ${allChecks.length} checks\n`),
    );
    expect(out).toMatch(/^ {2}not asked node-survey, node-system, [^\n]*leftovers {2}\[without surveys\]$/m);
    expect(out).toMatch(/^ {2}not asked stuck-pods {2}\[without leavingPods\]$/m);
    const { out: json } = await gate(facts, '1.36.4', '-o', 'json');
    expect(JSON.parse(json)).toMatchObject({
      verdict: 'safe',
      notAsked: expect.arrayContaining([{ check: 'stuck-pods', missing: ['leavingPods'] }]),
    });
  });
});

describe('nightlift gate with --config', () => {
  const held = /^1\.36\.2: held,[^]*pinned nvidia-gpu-operator[^\n]*needs a newer driver/;

  it.each([
    ['a file that is named beside it', 'addons: { matrixFile: matrix.yaml }', 'matrix.yaml'],
    ['the file of the usual name beside it', '{}', 'addons.yaml'],
    ['the key as a pod sees it, which is a file beside it', 'addons: { matrixFile: /config/own.yaml }', 'own.yaml'],
  ])('takes the addon matrix from %s', async (_title, config, name) => {
    const matrix = write(name, MATRIX);
    const { out, code } = await gate(running('1.35.6', gpu), '1.36.2', '--config', write('config.yaml', config));
    rmSync(matrix);
    expect([out, code]).toEqual([expect.stringMatching(held), 2]);
  });

  it('refuses a matrix that is named and lost, with where it was looked for', async () => {
    const config = write('config.yaml', 'addons: { matrixFile: gone.yaml }');
    const { err, code } = await gate(running('1.35.6', gpu), '1.36.2', '--config', config);
    expect([err, code]).toEqual([expect.stringContaining(`${folder}/gone.yaml: there is no such file`), 64]);
  });

  it('goes by the other settings of addons too', async () => {
    const config = write('config.yaml', 'addons: { untested: warn }');
    const { out, code } = await gate(running('1.35.6', kyverno), '1.36.2', '--config', config);
    expect([out, code]).toEqual([expect.stringMatching(/^1\.36\.2: safe,[^\n]*\n {2}warning kyverno 1\.18\.1/), 0]);
  });

  it.each(['plan', 'report --dry-run'])('is what %s goes by as well', async (command) => {
    const matrix = write('matrix.yaml', MATRIX);
    const facts = exampleFacts(
      {
        workloads: known([gpu]),
        nextMinorReleases: known({ minor: '1.36', source: 'feed', versions: ['1.36.2'] }),
        firstSeen: known({ '1.36.2': '2026-01-01T00:00:00Z' }),
      },
      '1.35.6',
    );
    const config = write('config.yaml', 'addons: { matrixFile: matrix.yaml }');
    const { out } = await callCli([
      ...command.split(' '),
      '--facts',
      write('facts.json', JSON.stringify(facts)),
      '--config',
      config,
    ]);
    rmSync(matrix);
    expect(out).toMatch(/pinned: needs a newer driver/);
  });

  it('is not needed by a plan, which says that the gate was not asked', async () => {
    const config = write('config.yaml', 'addons: { matrixFile: gone.yaml }');
    const file = write('facts.json', JSON.stringify(running('1.36.3')));
    const { out, err, code } = await callCli(['plan', '--facts', file, '--target', '1.36.4', '--config', config]);
    expect([code, out]).toEqual([0, expect.stringContaining('1.36.3 ─▶ 1.36.4')]);
    expect(err).toMatch(/the gate was not asked: reading the addon matrix .*gone\.yaml: there is no such file/);
  });
});

describe('nightlift plan of facts in a file, over several minors', () => {
  const release = (minor: string) => ({ minor, source: 'feed', versions: [`${minor}.0`, `${minor}.1`] });
  const facts = exampleFacts(
    { nextMinorReleases: known(release('1.36')), laterReleases: known([release('1.37')]), workloads: known([gpu]) },
    '1.35.8',
  );
  const plan = async (target: string, ...more: readonly string[]) =>
    await callCli(['plan', '--facts', write('facts.json', JSON.stringify(facts)), '--target', target, ...more]);

  it('shows the way, and what is known today to end it', async () => {
    const { out, code } = await plan('1.37.1');
    expect(code).toBe(0);
    expect(out).toMatch(/^1\.35\.8 ─▶ 1\.36\.1 ─▶ 1\.37\.1: 2 hops × 3 nodes/);
    expect(out).toMatch(
      /^\[2\/2\] 1\.36\.1 ─▶ 1\.37\.1 \(minor\): a person asked for it\n.*\n {2}The path would end before it:.* held:\n.*gpu-operator/m,
    );
  });

  it('does not need the addon matrix either', async () => {
    const config = write('config.yaml', 'addons: { matrixFile: gone.yaml }');
    const { out, err, code } = await plan('1.37.1', '--config', config, '-o', 'json');
    expect([code, JSON.parse(out)]).toEqual([0, expect.objectContaining({ ahead: [], gate: null, target: '1.37.1' })]);
    expect(err).toContain('the gate was not asked');
  });

  it.each([
    [
      '1.37.1',
      'target: { ceiling: "1.35" }',
      /1\.36 lies on the way to 1\.37\.1.* is above the ceiling 1\.35.*\n.*--to` a version of 1\.36/,
    ],
    ['1.38.1', 'dryRun: false', /planning the upgrade to 1\.38\.1: 1\.38\.1 is not published; of 1\.38: none/],
    ['1.39.1', 'dryRun: false', /1\.38 lies on the way to 1\.39\.1.*, and is not published/],
  ])('refuses %s with %j, and names the rule', async (target, text, says) => {
    const { err, code } = await plan(target, '--config', write('config.yaml', text));
    expect([code, err]).toEqual([64, expect.stringMatching(says)]);
  });
});
