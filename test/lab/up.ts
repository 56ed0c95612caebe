import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { publishContainerd, publishVersion } from './apt-repository.ts';
import { initCluster, installKubernetes, waitForReady } from './cluster.ts';
import { startDaemon } from './daemon.ts';
import { down } from './down.ts';
import { startExternalEtcd } from './external-etcd.ts';
import { raiseHostLimits } from './host-limits.ts';
import { provideKubeImages } from './kube-images.ts';
import { clusterDir, scriptPath } from './lab-paths.ts';
import type { LabServerSettings } from './lab-server.ts';
import { type LabNode, type LabSpec, minorOf, network, planNodes } from './lab-spec.ts';
import { describeLab, type Lab, readLab, saveLab, saveSpec } from './lab-state.ts';
import { startLoadBalancer } from './load-balancer.ts';
import { checkFamilies, checkPrograms, checkRoot, installPackages } from './machine.ts';
import { makeOdd, prepareOdd, prepareOddRegistry } from './make-odd.ts';
import { writeNodeFiles } from './node-files.ts';
import { createNetwork, mountNodeRoot, startNode, waitForBoot } from './nodes.ts';
import { programStore, sourceOf } from './programs.ts';
import { rootFilesystem } from './root-filesystem.ts';
import { runCommand } from './run-command.ts';
import { signingKey } from './signing-key.ts';
import { makeSshAccess } from './ssh-access.ts';

type Log = (line: string) => void;

/** What the repository holds when a lab starts. 1.37.1 exists as revision 2.1 only, as some real releases do. */
const initialReleases: [version: string, revision: string][] = [
  ['1.35.8', '1.1'],
  ['1.36.3', '1.1'],
  ['1.36.4', '1.1'],
  ['1.37.1', '2.1'],
];

export function revisionOf(version: string): string {
  return initialReleases.find(([known]) => known === version)?.[1] ?? '1.1';
}

async function stands(lab: Lab): Promise<boolean> {
  for (const node of lab.nodes) {
    const state = await runCommand('podman', ['inspect', '-f', '{{.State.Running}}', node.container]);
    if (state.stdout.trim() !== 'true') return false;
  }
  return true;
}

export async function up(spec: LabSpec, log: Log): Promise<Lab> {
  checkPrograms();
  checkRoot();
  sourceOf(spec.version);
  await installPackages(log);
  await checkFamilies(spec.families);
  const before = await readLab(spec.name);
  if (before !== undefined && (await stands(before))) {
    if (JSON.stringify(before.spec) === JSON.stringify(spec)) {
      log(`the lab "${spec.name}" stands already`);
      return before;
    }
    throw new Error(
      `starting the lab "${spec.name}": one with other settings stands; npm run lab -- down --name ${spec.name}`,
    );
  }
  if (existsSync(clusterDir(spec.name))) {
    log(`removing what is left of an earlier lab "${spec.name}"`);
    await down(spec.name);
  }
  return build(spec, log);
}

async function build(spec: LabSpec, log: Log): Promise<Lab> {
  const nodes = planNodes(spec);
  const lab = describeLab(spec, nodes);
  await mkdir(lab.dir, { recursive: true });
  await saveSpec(spec);
  await mkdir(programStore(), { recursive: true });
  const lines = [...new Set(nodes.map((node) => node.containerd))];
  const roots = new Map<string, string>();
  const prepareRoots = async (): Promise<void> => {
    for (const line of lines) roots.set(line, await rootFilesystem(line, log));
  };
  const releases: [string, string][] = [...initialReleases];
  if (!releases.some(([version]) => version === spec.version)) releases.push([spec.version, '1.1']);
  await Promise.all([prepareRoots(), prepareRepository(lab, releases, log)]);
  await raiseHostLimits();
  await createNetwork(spec);
  await startLabServer(lab);
  if (spec.controlPlanes > 1) await startLoadBalancer(lab.dir, spec, nodes);
  const keys = await makeSshAccess(lab);
  const keyring = await readFile((await signingKey('good')).binary);
  log(`starting ${nodes.map((node) => node.name).join(', ')}`);
  await Promise.all(
    nodes.map(async (node) => {
      const nodeKeys = keys.get(node.name);
      const base = roots.get(node.containerd);
      if (nodeKeys === undefined || base === undefined)
        throw new Error(`starting ${node.name}: it has no keys or no root`);
      const root = await mountNodeRoot(lab.dir, node, base);
      await prepareOdd(root, spec);
      await writeNodeFiles(root, spec, node, nodes, nodeKeys, keyring, minorOf(spec.version));
      await startNode(lab.dir, spec, node);
      await waitForBoot(node);
      await installKubernetes(node, spec.version, revisionOf(spec.version));
    }),
  );
  await joinUp(lab, nodes, log);
  await saveLab(lab);
  return lab;
}

async function joinUp(lab: Lab, nodes: LabNode[], log: Log): Promise<void> {
  const [first] = nodes;
  if (lab.spec.externalEtcd && first !== undefined) await startExternalEtcd(lab.spec, first);
  const kubeconfig = await initCluster(lab.dir, lab.spec, nodes, log);
  await waitForReady(kubeconfig, lab.spec, nodes.length);
  await makeOdd(lab, log);
  await waitForReady(kubeconfig, lab.spec, nodes.length);
}

/** What every lab starts from, so that two which are made at the same time do not both build it. */
export async function fillCache(log: Log): Promise<void> {
  await mkdir(programStore(), { recursive: true });
  const directory = await mkdtemp(path.join(tmpdir(), 'nightlift-lab-tags-'));
  try {
    await Promise.all([
      rootFilesystem('1.7', log),
      (async () => {
        for (const [version] of initialReleases) await provideKubeImages(directory, version);
      })(),
    ]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function prepareRepository(lab: Lab, releases: [string, string][], log: Log): Promise<void> {
  const repository = lab.repository.dir;
  for (const [version, revision] of releases) {
    log(`publishing ${version}-${revision}`);
    await publishVersion(repository, version, revision);
    await provideKubeImages(lab.registry.tags, version);
  }
  await publishContainerd(repository);
  await prepareOddRegistry(lab);
}

export async function startLabServer(lab: Lab): Promise<void> {
  const { gateway, mirror } = network(lab.spec);
  const settings: LabServerSettings = {
    repository: lab.repository.dir,
    tags: lab.registry.tags,
    accessLog: lab.repository.accessLog,
    gateway,
    mirror,
  };
  const file = path.join(lab.dir, 'server.json');
  await writeFile(file, JSON.stringify(settings));
  await startDaemon(lab.dir, 'server', process.execPath, [scriptPath('lab-server.ts'), file]);
}
