import { expect } from 'vitest';
import { readSlack } from './defects.ts';
import { installProduct } from './install-product.ts';
import type { SettingChanges } from './lab-settings.ts';
import { nextPatch } from './next-patch.ts';
import { runNight, runReport } from './night.ts';
import { expectNothingChanged } from './nothing-changed.ts';
import { runningVersion } from './provide-scene.ts';
import { saidSince } from './said-since.ts';
import type { Scenario } from './scenario.ts';
import { expectUpgraded } from './upgraded.ts';

const snapshots = (required: boolean): SettingChanges => ({ snapshot: { cronJob: '', required } });
const impossible = /etcd is not on the control planes.*: cp1/;

export const externalEtcdNight: Scenario = {
  name: 'external-etcd',
  title: 'etcd is no static pod: a snapshot cannot be taken, which refuses the night, or is said when none is required',
  ci: false,
  seconds: 330,
  cluster: {
    controlPlanes: 1,
    workers: 2,
    version: '1.36.3',
    fresh: true,
    made: { externalEtcd: true },
    settings: snapshots(true),
  },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const to = await nextPatch(scene);
    const refused = await runNight(scene, 5);
    await expectNothingChanged(scene, from, refused.startedAt);
    await runReport(scene);
    const report = (await readSlack(scene, refused.startedAt)).join('\n');
    scene.log(report.replaceAll('\n', ' | '));
    for (const text of [saidSince(scene, refused.startedAt), report]) expect(text).toMatch(impossible);
    await installProduct(scene.lab, snapshots(false));
    const night = await runNight(scene);
    expect(saidSince(scene, night.startedAt)).toMatch(impossible);
    return expectUpgraded(scene, night, from, to);
  },
};
