import { expect } from 'vitest';
import { mustOnNode } from '../lab/nodes.ts';
import { apiSettled, type OddName } from '../lab/odd.ts';
import { readSlack } from './defects.ts';
import { nextPatch } from './next-patch.ts';
import { type Night, runNight, runReport } from './night.ts';
import { nodeNamed } from './node-commands.ts';
import { expectNothingChanged, watchCordons } from './nothing-changed.ts';
import { runningVersion } from './provide-scene.ts';
import { saidSince } from './said-since.ts';
import type { Scenario } from './scenario.ts';
import type { Scene } from './scene.ts';
import { expectUpgraded } from './upgraded.ts';

interface Refusal {
  readonly odd: OddName;
  /** What is said of it, in the log and by the report. */
  readonly said: RegExp;
  readonly remedy: RegExp;
  readonly node: 'cp1' | 'w1' | 'w2';
  /** What the remedy says, as root on the node. */
  readonly mend: string;
}

/** What the nodes say of themselves: the nightly look refuses, and starts nothing. */
const bySurvey: readonly Refusal[] = [
  {
    odd: 'half-configured',
    said: /packages that are not wholly installed, with which apt does nothing: w1 \(vendor-agent 1\.0\)/,
    remedy: /dpkg --configure -a && apt-get -f install/,
    node: 'w1',
    // What dpkg says then: its file is missing.
    mend: 'touch /etc/vendor-agent.conf && dpkg --configure -a && apt-get -f install && [ -z "$(dpkg --audit)" ]',
  },
  {
    odd: 'full-disk',
    said: /less is free than the upgrade needs: w1 \(\d+ MB free of \d+ MB wanted on the file system of \/var\/lib\/nightlift/,
    remedy: /Make room: df -h shows where/,
    node: 'w1',
    mend: 'umount /var/lib/nightlift',
  },
  {
    odd: 'removed-flag',
    said: /flags with which 1\.36 does not start: w1 \(--pod-infra-container-image in \/etc\/systemd\/system\/kubelet\.service\.d\/30-sandbox\.conf\)/,
    remedy: /Take what is named out of that file.*restart the kubelet/,
    node: 'w1',
    mend: 'sed -i /--pod-infra-container-image/d /etc/systemd/system/kubelet.service.d/30-sandbox.conf && systemctl daemon-reload && systemctl restart kubelet',
  },
  {
    odd: 'manifest-backup',
    said: /several files are a manifest of one static pod; .*: cp1 \(etcd: etcd\.yaml, etcd\.yaml\.backup\)/,
    remedy: /mkdir -p \/root\/manifests && mv \/etc\/kubernetes\/manifests\/FILE \/root\/manifests\//,
    node: 'cp1',
    mend: `mkdir -p /root/manifests && mv /etc/kubernetes/manifests/etcd.yaml.backup /root/manifests/\n${apiSettled}`,
  },
  {
    odd: 'unreachable',
    said: /nodes that are to be upgraded did not say what they are: w2 \(/,
    remedy: /Mend what is named, then ask again/,
    node: 'w2',
    mend: 'systemctl enable -q --now ssh',
  },
];

/** What only apt can say: preflight refuses, with packages and images fetched on all nodes and nothing changed. */
const byApt: readonly Refusal[] = [
  {
    odd: 'held-needed',
    said: /on w1: .*need other versions of packages that are on hold: cri-tools/,
    remedy: /apt-mark unhold cri-tools/,
    node: 'w1',
    mend: 'apt-mark unhold cri-tools',
  },
  {
    odd: 'breaks-kubelet',
    said: /on w2: .*cannot be done beside other packages of this node, which it would have to remove: vendor-driver/,
    remedy: /apt-get remove vendor-driver/,
    node: 'w2',
    mend: 'apt-get -q remove -y vendor-driver',
  },
];

export const oddRefusedNight: Scenario = {
  name: 'odd-refused',
  title: `what would stop a night on some node is named before the first change (${[...bySurvey, ...byApt].map(({ odd }) => odd).join(', ')}), and mended as it is said it passes`,
  ci: false,
  seconds: 560,
  cluster: {
    controlPlanes: 1,
    workers: 2,
    version: '1.36.3',
    fresh: true,
    made: { odd: [...bySurvey, ...byApt].map(({ odd }) => odd) },
    settings: { job: { retries: 0 } },
  },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const to = await nextPatch(scene);
    const looked = await expectRefused(scene, from, bySurvey, ['w2']);
    expect(looked.chain).toEqual([]);
    const prepared = await expectRefused(scene, from, byApt);
    expect(prepared.chain.map(({ name }) => /preflight|master|worker/.exec(name)?.[0])).toEqual(['preflight']);
    const night = await runNight(scene);
    return expectUpgraded(scene, night, from, to);
  },
};

/** Every one is named in log and report, with what to do; that is done then. */
async function expectRefused(
  scene: Scene,
  version: string,
  refusals: readonly Refusal[],
  unreachable: string[] = [],
): Promise<Night> {
  const cordons = watchCordons(scene);
  const night = await runNight(scene, 10);
  expect([...(await cordons.stop())]).toEqual([]);
  await expectNothingChanged(scene, version, night.startedAt, unreachable);
  await runReport(scene);
  const report = (await readSlack(scene, night.startedAt)).join('\n');
  scene.log(report.replaceAll('\n', ' | '));
  const log = saidSince(scene, night.startedAt);
  for (const { said, remedy } of refusals) {
    expect(log).toMatch(said);
    expect(log).toMatch(remedy);
    expect(report).toMatch(said);
  }
  for (const { odd, node, mend } of refusals) {
    scene.log(`mending ${odd} on ${node}`);
    await mustOnNode(nodeNamed(scene.lab, node), mend);
  }
  return night;
}
