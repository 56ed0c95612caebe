import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import { stringify } from 'yaml';
import { renderJobManifest } from '../../src/chain/job-manifest.ts';
import { jobName } from '../../src/chain/step.ts';
import { parseSettings } from '../../src/settings/parse-settings.ts';
import { mustOnNode } from '../lab/nodes.ts';
import { type BadInput, badInputs } from './bad-inputs.ts';
import { quietDefects, readSlack } from './defects.ts';
import { installProduct } from './install-product.ts';
import { applyObjects, kubectl } from './kubectl.ts';
import { fingerprintOf, labSettings, type SettingChanges } from './lab-settings.ts';
import { nextPatch } from './next-patch.ts';
import { type FollowedChain, followChain, runNight, runReport } from './night.ts';
import { expectNothingChanged, watchCordons } from './nothing-changed.ts';
import { projectRoot } from './project-root.ts';
import { runningVersion } from './provide-scene.ts';
import { saidSince } from './said-since.ts';
import type { Scenario } from './scenario.ts';
import type { Scene } from './scene.ts';

export const badInputNight: Scenario = {
  name: 'bad-input',
  title: `${badInputs.length} inputs that are no good: log and Slack name each and say what to do, and nothing is changed`,
  ci: false,
  seconds: 490,
  cluster: { controlPlanes: 1, workers: 2, version: '1.36.3' },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const to = await nextPatch(scene);
    const changes = await impatient();
    await installProduct(scene.lab, changes);
    await removeJobs(scene);
    for (const input of badInputs) await endure(scene, input, { from, to, changes });
    await installProduct(scene.lab);
    await clearRecord(scene);
    expect((await quietDefects(scene)).filter((text) => !text.startsWith('the gauge'))).toEqual([]);
    return { summary: `${badInputs.length} of ${badInputs.length} named, ${from} stays` };
  },
};

interface Night {
  readonly from: string;
  readonly to: string;
  readonly changes: SettingChanges;
}

async function endure(scene: Scene, input: BadInput, night: Night): Promise<void> {
  scene.log(`bad input: ${input.name}`);
  const since = Date.now();
  const before = await stateOfNodes(scene);
  const mend = await input.spoil(scene.lab);
  const cordons = watchCordons(scene);
  try {
    await expectClearError(scene, input, night);
  } finally {
    await mend();
    expect([...(await cordons.stop())]).toEqual([]);
  }
  await expectNothingChanged(scene, night.from, since);
  expect(await stateOfNodes(scene)).toEqual(before);
  await removeJobs(scene);
}

/** Retries and waits as at night would only take time. */
async function impatient(): Promise<SettingChanges> {
  return {
    packages: {
      lockTimeoutSeconds: 3,
      keyFingerprints: [await fingerprintOf('good'), await fingerprintOf('expired')],
    },
    job: { retries: 0 },
    waits: { apiSeconds: 10 },
  };
}

/** The nightly look, its report, and then preflight: what is spoilt between the two must be told as well. */
async function expectClearError(scene: Scene, input: BadInput, night: Night): Promise<void> {
  const looked = await runNight(scene, 5);
  expect(looked.check.status).toBe(input.lookEnds ?? 'complete');
  const followed = input.look === undefined ? looked : await preflightAfter(scene, input, input.look, looked, night);
  const said = saidSince(scene, followed.startedAt);
  expect(said).toMatch(input.preflight);
  expect(said).toMatch(input.remedy);
  expect(followed.chain.map((job) => `${job.name} ${job.status}`)).toEqual([`${preflightOf(night.to)} failed`]);
  await expectToldInSlack(scene, input, followed.startedAt);
}

async function expectToldInSlack(scene: Scene, { toldBy, preflight, remedy }: BadInput, since: number): Promise<void> {
  if (toldBy === 'report') await runReport(scene);
  const slack = await readSlack(scene, since);
  for (const text of slack) scene.log(text.replaceAll('\n', ' | '));
  expect(slack).toHaveLength(toldBy === 'log' ? 0 : 1);
  for (const text of slack) expect(text).toContain('🔴 FAILED — preflight');
  if (toldBy !== undefined) return;
  expect(slack[0]).toMatch(preflight);
  expect(slack[0]).toMatch(remedy);
}

async function preflightAfter(scene: Scene, input: BadInput, look: RegExp, looked: FollowedChain, night: Night) {
  expect(looked.chain).toEqual([]);
  expect(saidSince(scene, looked.startedAt)).toMatch(look);
  if (input.toldBy === undefined) {
    await runReport(scene);
    const report = (await readSlack(scene, looked.startedAt)).at(-1) ?? '';
    expect(report).toContain('UNKNOWN — nobody could find out whether there is a new version');
    expect(report).toContain('Read why: `kubectl -n k8s-upgrade logs');
  }
  const startedAt = Date.now();
  await startPreflight(scene, night);
  return followChain(scene, startedAt, 5);
}

function preflightOf(target: string): string {
  return jobName({ phase: 'preflight' }, target, 'cp1');
}

/** docs/operations.md, "Skip a phase": a Job made by hand. */
async function startPreflight({ lab }: Scene, { to: target, changes }: Night): Promise<void> {
  const template = await readFile(path.join(projectRoot, 'templates/job.yaml'), 'utf8');
  const image = 'jsonpath={.spec.jobTemplate.spec.template.spec.containers[0].image}';
  const job = {
    step: { phase: 'preflight' } as const,
    target,
    name: preflightOf(target),
    runner: undefined,
    image: await kubectl(lab, ['-n', 'k8s-upgrade', 'get', 'cronjob', 'k8s-version-check', '-o', image]),
  };
  const settings = parseSettings(stringify(await labSettings(lab, changes)), 'the settings of the lab');
  await applyObjects(lab, [renderJobManifest(template, job, settings)]);
}

const look = `dpkg-query -W -f '\${Package} \${Version} \${db:Status-Abbrev}\\n' kubeadm kubelet kubectl
apt-mark showhold
find /etc/kubernetes /etc/apt /etc/ssh /etc/sudoers.d -type f -exec sha256sum {} + | sort -k 2`;

/** Whatever an upgrade changes, and whatever the spoiling has changed and taken back. */
async function stateOfNodes({ lab }: Scene): Promise<readonly string[]> {
  return Promise.all(lab.nodes.map(async (node) => `${node.name}\n${await mustOnNode(node, look)}`));
}

async function removeJobs({ lab }: Scene): Promise<void> {
  await kubectl(lab, ['-n', 'k8s-upgrade', 'delete', 'jobs', '--all']);
}

/** docs/operations.md, "Clear the record of a run that is gone": nothing comes after the last input that would replace it. */
async function clearRecord({ lab }: Scene): Promise<void> {
  const record = ['stopped', 'stopped-at'].map((name) => `nightlift/k8s-upgrade-${name}-`);
  await kubectl(lab, ['annotate', 'namespace', 'k8s-upgrade', ...record]);
}
