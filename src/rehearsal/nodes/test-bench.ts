import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../clock.ts';
import { createLog } from '../../log.ts';
import type { NodeAddress, NodeShell } from '../../node/node-shell.ts';
import { type NodeScripts, nodeScripts } from '../../node/scripts.ts';
import { type Access, createSshNodeShell } from '../../node/ssh-node-shell.ts';
import { type PackageFeed, startPackageFeed } from '../services/package-feed.ts';
import type { Timing } from './machine.ts';
import { type MemoryCluster, memoryCluster } from './memory-cluster.ts';
import { type NodeSpec, type RehearsalNodes, startNodes } from './start-nodes.ts';

export interface TestBench extends AsyncDisposable {
  readonly feed: PackageFeed;
  readonly cluster: MemoryCluster;
  readonly nodes: RehearsalNodes;
  readonly shell: NodeShell;
  readonly scripts: NodeScripts;
  readonly log: readonly string[];
  /** A second Nightlift, as the next Job's process is one. */
  secondShell(): NodeShell;
  address(name: string): NodeAddress;
}

/** Text of templates/node. */
export function scriptTemplate(name: string): string {
  return readFileSync(new URL(`../../../templates/node/${name}.sh`, import.meta.url), 'utf8');
}

/** Nodes, a feed and the real SSH shell: for tests of the node side. */
export async function startTestBench(options: {
  readonly nodes: readonly NodeSpec[];
  readonly published: readonly string[];
  readonly releaseKey?: string;
  readonly timing?: Partial<Timing>;
  /** Default `shell`. */
  readonly access?: Access;
  /** Of every script; default that of the product. */
  readonly timeLimitSeconds?: number;
}): Promise<TestBench> {
  const { timeLimitSeconds } = options;
  const directory = mkdtempSync(join(tmpdir(), 'nightlift-nodes-'));
  const controlPlanes = options.nodes.filter(({ role }) => role === 'control-plane').map(({ name }) => name);
  const cluster = memoryCluster(options.nodes[0]?.version ?? '', controlPlanes);
  const feed = await startPackageFeed({
    versions: options.published,
    ...(options.releaseKey === undefined ? {} : { releaseKey: options.releaseKey }),
  });
  const nodes = await startNodes({
    nodes: options.nodes,
    repoBase: feed.baseUrl,
    cluster,
    directory,
    timing: options.timing ?? {},
  });
  const log: string[] = [];
  const shells: NodeShell[] = [];
  const newShell = (): NodeShell => {
    const shell = createSshNodeShell({
      access: options.access ?? 'shell',
      ...(timeLimitSeconds === undefined ? {} : { timeLimitSeconds: () => timeLimitSeconds }),
      settings: {
        user: nodes.user,
        port: nodes.port,
        privateKey: nodes.privateKeyPem,
        hostKeys: 'pinned',
        connectTimeoutMs: 5000,
      },
      knownHosts: nodes.knownHosts,
      templates: scriptTemplate,
      log: createLog({ format: 'text', write: (line) => log.push(line), now: () => new Date() }),
      clock: systemClock(),
      lossDeadlineMs: 10_000,
    });
    shells.push(shell);
    return shell;
  };
  return {
    feed,
    cluster,
    nodes,
    shell: newShell(),
    scripts: nodeScripts(scriptTemplate),
    log,
    secondShell: newShell,
    address: (name) => ({ name, internalIp: nodes.node(name).internalIp }),
    async [Symbol.asyncDispose]() {
      for (const shell of shells) await shell.close();
      await nodes.close();
      await feed.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
