import path from 'node:path';
import { publishedPackages } from '../lab/apt-repository.ts';
import { down } from '../lab/down.ts';
import { type ContainerdLine, type LabSpec, minorOf } from '../lab/lab-spec.ts';
import { type Lab, readLab } from '../lab/lab-state.ts';
import { servicesUp } from '../lab/services.ts';
import { startLabServer, up } from '../lab/up.ts';
import { connectToCluster } from './cluster-api.ts';
import { readNodes } from './cluster-objects.ts';
import { quietDefects } from './defects.ts';
import { type Install, installProduct } from './install-product.ts';
import type { SettingChanges } from './lab-settings.ts';
import { clusterKinds, clusterName, type Lane } from './lanes.ts';
import { watchPodLogs } from './pod-logs.ts';
import { projectRoot } from './project-root.ts';
import type { Scene } from './scene.ts';
import { provideWorkload } from './workload.ts';

export interface Wanted {
  readonly controlPlanes: number;
  readonly workers: number;
  /** What a cluster that has to be built starts with. */
  readonly version: string;
  /** `minor` needs a cluster for which no newer patch is published. */
  readonly newestPatch?: boolean;
  /** Whatever the scenario before has left is not what this one wants. */
  readonly fresh?: boolean;
  /** Of nodes whose containerd is not of the line of the others. */
  readonly containerdOf?: Readonly<Record<string, ContainerdLine>>;
  /** Nodes as other people have them. */
  readonly made?: Partial<OtherNodes>;
  /** Settings that the scenario needs, beside the lab's. */
  readonly settings?: SettingChanges;
  /** How the product is installed: with the image that the Dockerfile makes, when nothing is said. */
  readonly install?: Install;
}

type OtherNodes = Pick<LabSpec, 'odd' | 'externalEtcd' | 'sshPort' | 'nodeSuffix' | 'families'>;

const plain: OtherNodes = { odd: [], externalEtcd: false, sshPort: 22, nodeSuffix: '', families: ['ipv4'] };

/**
 * A cluster as the scenario wants it, with the product as it is now: the one that the scenario before has left when it
 * is sound and fits, else a new one. A lane never has more than one.
 */
export async function provideScene(
  wanted: Wanted,
  lane: Omit<Lane, 'scenarios'>,
  log: (line: string) => void,
): Promise<Scene> {
  const kind = wanted.controlPlanes === 1 ? 'one' : 'ha';
  for (const other of clusterKinds) if (other !== kind) await down(clusterName(lane, other));
  const name = clusterName(lane, kind);
  const standing = await readLab(name);
  const fitting = standing !== undefined && (await fits(standing, wanted, log).catch(() => false));
  if (standing !== undefined && !fitting) await down(name);
  const spec: LabSpec = {
    name,
    subnet: lane.subnets[kind],
    controlPlanes: wanted.controlPlanes,
    workers: wanted.workers,
    version: wanted.version,
    containerd: '1.7',
    containerdOf: { ...wanted.containerdOf },
    ...plain,
    ...wanted.made,
  };
  const lab = fitting ? standing : await up(spec, log);
  await startLabServer(lab);
  await servicesUp(lab, [path.join(projectRoot, 'deploy/alerts/upgrade-gates.yaml')], log);
  await installProduct(lab, wanted.settings, wanted.install);
  // With a single worker its pods would have no place while that is drained.
  if (wanted.workers > 1) await provideWorkload(lab);
  log(`the cluster ${name} is ready, on ${await runningVersion(lab)}`);
  return { lab, api: await connectToCluster(lab.kubeconfig), logs: watchPodLogs(lab), startedAt: Date.now(), log };
}

async function fits(lab: Lab, wanted: Wanted, log: (line: string) => void): Promise<boolean> {
  if (wanted.fresh === true) return false;
  const { odd, externalEtcd, sshPort, nodeSuffix, families } = lab.spec;
  if (JSON.stringify({ odd, externalEtcd, sshPort, nodeSuffix, families }) !== JSON.stringify(plain)) return false;
  const running = await runningVersion(lab);
  const minor = minorOf(wanted.version);
  if (minorOf(running) !== minor) return false;
  if (lab.spec.controlPlanes !== wanted.controlPlanes || lab.spec.workers !== wanted.workers) return false;
  const isNewest = running === (await newestPatch(lab, minor));
  if (wanted.newestPatch === true ? !isNewest : isNewest && !canAppear(running)) return false;
  const api = await connectToCluster(lab.kubeconfig);
  try {
    const defects = (await quietDefects({ lab, api })).filter((text) => !text.startsWith('the gauge'));
    if (defects.length > 0) log(`the cluster ${lab.name} is not taken again: ${defects.join('; ')}`);
    return defects.length === 0;
  } finally {
    await api.close();
  }
}

/** A patch that nobody built is another one with its version overwritten, and that must not become longer. */
function canAppear(running: string): boolean {
  return Number(running.split('.')[2]) < 9;
}

export async function closeScene(scene: Scene): Promise<void> {
  await scene.logs.stop();
  await scene.api.close();
}

/** The oldest kubelet's. */
export async function runningVersion(lab: Lab): Promise<string> {
  const api = await connectToCluster(lab.kubeconfig);
  try {
    const versions = (await readNodes(api)).map(({ status }) => status.nodeInfo.kubeletVersion.slice(1));
    return versions.toSorted(byVersion)[0] ?? '';
  } finally {
    await api.close();
  }
}

export async function newestPatch(lab: Lab, minor: string): Promise<string> {
  const packages = await publishedPackages(lab.repository.dir, minor);
  return (
    packages
      .map((version) => version.split('-')[0] ?? '')
      .toSorted(byVersion)
      .at(-1) ?? ''
  );
}

function byVersion(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}
