import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { hostPort } from '../../src/host-port.ts';
import { clusterDir, labRoot } from './lab-paths.ts';
import { registryPort } from './lab-server.ts';
import { type LabNode, type LabSpec, network } from './lab-spec.ts';
import { repositoryPort } from './odd.ts';
import { nodeUser } from './root-filesystem.ts';

/** `lab.json`: what a test needs to know of a lab that stands. */
export interface Lab {
  name: string;
  dir: string;
  spec: LabSpec;
  nodes: LabNode[];
  kubeconfig: string;
  ssh: { user: string; key: string; knownHosts: string; port: number };
  /** The same for the nodes and for this machine: the bridge's address is reachable from both. */
  repository: { dir: string; fromNodes: string; fromHost: string; mirror: string; accessLog: string };
  registry: { url: string; tags: string };
  services: { prometheus: string; pushgateway: string; alertmanager: string; slack: string; slackFile: string };
}

export const servicePorts = { prometheus: 9090, pushgateway: 9091, alertmanager: 9093, slack: 9099 };

export function describeLab(spec: LabSpec, nodes: LabNode[]): Lab {
  const dir = clusterDir(spec.name);
  const { gateway, mirror } = network(spec);
  const repository = `http://${hostPort(gateway, repositoryPort)}`;
  return {
    name: spec.name,
    dir,
    spec,
    nodes,
    kubeconfig: path.join(dir, 'kubeconfig'),
    ssh: {
      user: nodeUser,
      key: path.join(dir, 'ssh', 'id_ed25519'),
      knownHosts: path.join(dir, 'ssh', 'known_hosts'),
      port: spec.sshPort,
    },
    repository: {
      dir: path.join(dir, 'repository'),
      fromNodes: repository,
      fromHost: repository,
      mirror: `http://${hostPort(mirror, repositoryPort)}`,
      accessLog: path.join(dir, 'logs', 'access.log'),
    },
    registry: { url: `http://${hostPort(gateway, registryPort)}`, tags: path.join(dir, 'tags') },
    services: {
      prometheus: `http://${hostPort(gateway, servicePorts.prometheus)}`,
      pushgateway: `http://${hostPort(gateway, servicePorts.pushgateway)}`,
      alertmanager: `http://${hostPort(gateway, servicePorts.alertmanager)}`,
      slack: `http://${hostPort(gateway, servicePorts.slack)}/services/lab`,
      slackFile: path.join(dir, 'slack.jsonl'),
    },
  };
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.new`, `${JSON.stringify(value, null, 2)}\n`);
  await rename(`${file}.new`, file);
}

/** Written first, so that whatever comes after can be found and removed; lab.json is written last. */
export async function saveSpec(spec: LabSpec): Promise<void> {
  await writeJson(path.join(clusterDir(spec.name), 'spec.json'), spec);
}

export async function saveLab(lab: Lab): Promise<void> {
  await writeJson(path.join(lab.dir, 'lab.json'), lab);
}

async function readJson<T>(file: string): Promise<T | undefined> {
  if (!existsSync(file)) return undefined;
  return JSON.parse(await readFile(file, 'utf8')) as T;
}

export async function readSpec(name: string): Promise<LabSpec | undefined> {
  return readJson<LabSpec>(path.join(clusterDir(name), 'spec.json'));
}

export async function readLab(name: string): Promise<Lab | undefined> {
  return readJson<Lab>(path.join(clusterDir(name), 'lab.json'));
}

export async function theLab(name: string): Promise<Lab> {
  const lab = await readLab(name);
  if (lab !== undefined) return lab;
  throw new Error(`looking for the lab "${name}": it does not stand; npm run lab -- up --name ${name}`);
}

export async function labNames(): Promise<string[]> {
  const dir = path.join(labRoot(), 'clusters');
  return existsSync(dir) ? readdir(dir) : [];
}

/** The lowest that no lab has. Two labs that start at the same moment would both find it: give those a --subnet. */
export async function freeSubnet(): Promise<number> {
  const taken = new Set<number>();
  for (const name of await labNames()) {
    const spec = await readSpec(name);
    if (spec !== undefined) taken.add(spec.subnet);
  }
  for (let subnet = 10; subnet < 250; subnet++) if (!taken.has(subnet)) return subnet;
  throw new Error('looking for a free subnet: none left; npm run lab -- down --all');
}
