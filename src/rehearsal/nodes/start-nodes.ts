import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { NODE_PROGRAM } from '../../node/node-program.ts';
import { fillBinDirectory, sudoMark } from './bin-directory.ts';
import type { ClusterPort, StaticPod } from './cluster-port.ts';
import { type CommandLog, createCommandLog } from './command-log.ts';
import { createMachine, type Knobs, type Machine, type MachineOptions, staticPodsOf, type Timing } from './machine.ts';
import { generateSshKey } from './ssh-key.ts';
import { type Connections, createNodeSshServer, type NodeSshServer } from './ssh-server.ts';
import { type StandInServer, startStandInServer } from './stand-in-server.ts';

export interface NodeSpec {
  readonly name: string;
  readonly role: 'control-plane' | 'worker';
  /** X.Y.Z */
  readonly version: string;
  /** Debian version; default 1.7.24~ds1-6. */
  readonly containerd?: string;
  /** Default containerd, the distribution's. */
  readonly containerdPackage?: 'containerd' | 'containerd.io';
  /** Versions that the node can install, newest first, by package; default its own. */
  readonly containerds?: Readonly<Record<string, readonly string[]>>;
  readonly extraApiServerFlags?: readonly string[];
}

export interface NodesOptions {
  readonly nodes: readonly NodeSpec[];
  /** As in the nodes' apt sources: PackageFeed.baseUrl. */
  readonly repoBase: string;
  readonly cluster: ClusterPort;
  /** An empty directory for the nodes' files. */
  readonly directory: string;
  readonly user?: string;
  readonly timing?: Partial<Timing>;
  readonly now?: () => Date;
}

export interface RehearsalNode {
  readonly name: string;
  readonly role: 'control-plane' | 'worker';
  readonly internalIp: string;
  readonly machine: Machine;
  readonly knobs: Knobs;
  /** Its static pods as they stand on its disk. */
  staticPods(): readonly StaticPod[];
  /** SSH refuses, the kubelet stops; what runs goes on. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** Everything that runs ends, transient units are forgotten, the kubelet comes back after `awayMs`. */
  reboot(awayMs: number): Promise<void>;
  /** Lays out the files of the node program, by path, and lets the key do nothing else from now on. */
  restrict(files: ReadonlyMap<string, string>): void;
  dropConnections(): void;
  setSudoNeedsPassword(needed: boolean): void;
}

export interface RehearsalNodes {
  readonly nodes: readonly RehearsalNode[];
  node(name: string): RehearsalNode;
  readonly user: string;
  readonly port: number;
  readonly privateKeyPem: string;
  /** Of the same pair, as in authorized_keys. */
  readonly publicKey: string;
  readonly knownHosts: string;
  readonly commands: CommandLog;
  /** How many commands came over SSH. */
  sshRequests(): number;
  sshConnections(): Connections;
  /** By node, from the beginning. */
  connectionsMade(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

const FAST: Timing = { kubeadmStep: 20, package: 5, kubeletRestart: 20, upgradeManifests: 500 };

/** Starts the nodes of an embedded cluster, each a real SSH server on an address 127.x.y.z of its own. */
export async function startNodes(options: NodesOptions): Promise<RehearsalNodes> {
  const user = options.user ?? 'nightlift';
  const commands = createCommandLog(options.now ?? (() => new Date()));
  const standIns = await startStandInServer(commands);
  const key = generateSshKey();
  const { port, addresses } = await freeAddresses(options.nodes.length);
  let requests = 0;
  const started: { node: RehearsalNode; server: NodeSshServer }[] = [];
  const knownHosts: string[] = [];
  try {
    for (const [index, spec] of options.nodes.entries()) {
      const internalIp = addresses[index] ?? '';
      const root = join(options.directory, spec.name);
      mkdirSync(root, { recursive: true });
      const machine = createMachine(machineOptions(spec, internalIp, root, options));
      installPrograms(machine, standIns);
      const hostKey = generateSshKey();
      knownHosts.push(`[${internalIp}]:${port} ${hostKey.public}`);
      const server = createNodeSshServer({
        machine,
        port,
        user,
        hostKey: hostKey.private,
        authorizedKey: key.public,
        onExec: () => {
          requests += 1;
        },
        forced: () => (existsSync(machine.path(NODE_PROGRAM)) ? `sudo -n -- ${machine.path(NODE_PROGRAM)}` : undefined),
      });
      await server.listen();
      started.push({ node: rehearsalNode(machine, server), server });
    }
  } catch (error) {
    await closeAll(started, standIns);
    throw error;
  }
  const nodes = started.map(({ node }) => node);
  return {
    nodes,
    node(name) {
      const found = nodes.find((one) => one.name === name);
      if (found === undefined) throw new Error(`no rehearsal node ${name}`);
      return found;
    },
    user,
    port,
    privateKeyPem: key.private,
    publicKey: key.public,
    knownHosts: `${knownHosts.join('\n')}\n`,
    commands,
    sshRequests: () => requests,
    sshConnections: () =>
      started
        .map(({ server }) => server.connections())
        .reduce((sum, one) => ({ made: sum.made + one.made, open: sum.open + one.open }), { made: 0, open: 0 }),
    connectionsMade: () =>
      Object.fromEntries(started.map(({ node, server }) => [node.name, server.connections().made])),
    close: () => closeAll(started, standIns),
  };
}

function machineOptions(spec: NodeSpec, internalIp: string, root: string, options: NodesOptions): MachineOptions {
  const containerd = spec.containerd ?? '1.7.24~ds1-6';
  const containerdPackage = spec.containerdPackage ?? 'containerd';
  return {
    name: spec.name,
    role: spec.role,
    version: spec.version,
    internalIp,
    root,
    containerd,
    containerdPackage,
    containerds: spec.containerds ?? { [containerdPackage]: [containerd] },
    repoBase: options.repoBase,
    architecture: 'amd64',
    extraApiServerFlags: spec.extraApiServerFlags ?? [],
    cluster: options.cluster,
    timing: { ...FAST, ...options.timing },
  };
}

function installPrograms(machine: Machine, standIns: StandInServer): void {
  fillBinDirectory(machine, (file, program) => standIns.install(machine, file, program));
}

function rehearsalNode(machine: Machine, server: NodeSshServer): RehearsalNode {
  const killAll = (): void => {
    const units = [...machine.units.values()];
    machine.units.clear();
    for (const unit of units) unit.kill('SIGKILL');
    server.killProcesses();
  };
  return {
    name: machine.name,
    role: machine.role,
    internalIp: machine.internalIp,
    machine,
    knobs: machine.knobs,
    staticPods: () => staticPodsOf(machine),
    async down() {
      await server.stopListening();
      await machine.stopKubelet();
    },
    async up() {
      await server.listen();
      await machine.startKubelet();
    },
    async reboot(awayMs) {
      await server.stopListening();
      killAll();
      await machine.stopKubelet();
      await new Promise((resolve) => setTimeout(resolve, awayMs));
      await server.listen();
      await machine.startKubelet();
    },
    restrict(files) {
      for (const [path, text] of files) {
        mkdirSync(dirname(machine.path(path)), { recursive: true });
        writeFileSync(machine.path(path), text, { mode: 0o755 });
      }
    },
    dropConnections: () => server.dropConnections(),
    setSudoNeedsPassword(needed) {
      if (needed) writeFileSync(sudoMark(machine), '');
      else if (existsSync(sudoMark(machine))) rmSync(sudoMark(machine));
    },
  };
}

async function closeAll(
  started: readonly { node: RehearsalNode; server: NodeSshServer }[],
  standIns: StandInServer,
): Promise<void> {
  for (const { node, server } of started) {
    await server.stopListening();
    const units = [...node.machine.units.values()];
    node.machine.units.clear();
    for (const unit of units) unit.kill('SIGKILL');
    server.killProcesses();
  }
  await standIns.close();
}

/** Addresses 127.x.y.1… in a range of this run, and a port that is free on all of them. */
async function freeAddresses(count: number): Promise<{ port: number; addresses: readonly string[] }> {
  for (;;) {
    const x = 16 + Math.floor(Math.random() * 200);
    const y = Math.floor(Math.random() * 250);
    const addresses = Array.from(
      { length: count },
      (_, index) => `127.${x}.${y + Math.floor(index / 250)}.${1 + (index % 250)}`,
    );
    const port = await freePort(addresses[0] ?? '127.0.0.1');
    if (port !== undefined) return { port, addresses };
  }
}

function freePort(address: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(0, address, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
