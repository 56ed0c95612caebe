import { readdirSync } from 'node:fs';
import { type ImageSources, KUBEADM_IMAGES } from '../../facts/image-sources.ts';
import { WITHOUT_LOCK } from '../../node/fence.ts';
import type { CommandResult, DetachedResult, NodeShell } from '../../node/node-shell.ts';
import { type NodeState, parseNodeState } from '../../node/node-state.ts';
import type { NodeScript, ThisNode, UpgradeRole } from '../../node/scripts.ts';
import type { NodeSpec } from './start-nodes.ts';
import type { TestBench } from './test-bench.ts';

export const CONTROL_PLANE: NodeSpec = { name: 'cp1', role: 'control-plane', version: '1.36.3' };
export const WORKER: NodeSpec = { name: 'w1', role: 'worker', version: '1.36.3' };
export const BOTH = { nodes: [CONTROL_PLANE, WORKER], published: ['1.36.3', '1.36.4'] };

export function repository(bench: TestBench) {
  return { repoBase: bench.feed.baseUrl, lockTimeoutSeconds: 1 };
}

export function run(bench: TestBench, node: string, script: NodeScript): Promise<CommandResult> {
  return bench.shell.run(bench.address(node), script, AbortSignal.timeout(25_000));
}

/** The node that a script is for; what its kubelet reports is not part of this bench. */
export function thisNode(node: string): ThisNode {
  return { node, machineId: '' };
}

export function stage(
  bench: TestBench,
  node: string,
  role: UpgradeRole,
  more: { target?: string; keyFingerprints?: string[]; as?: string; images?: Partial<ImageSources> } = {},
) {
  const { target = '1.36.4', keyFingerprints = [] } = more;
  return run(
    bench,
    node,
    bench.scripts.stage({
      ...thisNode(more.as ?? node),
      ...repository(bench),
      target,
      role,
      keyFingerprints,
      keyWarnDays: 45,
      neededBytes: 1e9,
      images: { ...KUBEADM_IMAGES, ...more.images },
    }),
  );
}

function upgradeScript(
  bench: TestBench,
  node: string,
  role: UpgradeRole,
  {
    target = '1.36.4',
    patchesDirectory = '',
    lockTimeoutSeconds = 1,
  }: { target?: string; patchesDirectory?: string; lockTimeoutSeconds?: number },
): NodeScript {
  const kubeadm = {
    ignorePreflightErrors: ['CoreDNSMigration'],
    skipPhases: ['addon/coredns'],
    patchesDirectory,
    etcdUpgrade: true,
  };
  const where = { ...repository(bench), lockTimeoutSeconds };
  return bench.scripts.upgradeNode({ ...thisNode(node), ...where, target, role, ...kubeadm });
}

export function upgrade(
  bench: TestBench,
  node: string,
  role: UpgradeRole,
  more: {
    target?: string;
    patchesDirectory?: string;
    shell?: NodeShell;
    lines?: string[];
    timeLimitSeconds?: number;
    lockTimeoutSeconds?: number;
  } = {},
): Promise<DetachedResult> {
  return (more.shell ?? bench.shell).runDetached(
    bench.address(node),
    {
      unit: 'nightlift-upgrade',
      script: upgradeScript(bench, node, role, more),
      fence: WITHOUT_LOCK,
      timeLimitSeconds: more.timeLimitSeconds ?? 60,
    },
    { signal: AbortSignal.timeout(25_000), onLine: (line) => more.lines?.push(line) },
  );
}

export async function stateOf(bench: TestBench, node: string): Promise<NodeState> {
  return parseNodeState((await run(bench, node, bench.scripts.nodeState())).stdout);
}

export function leftOvers(bench: TestBench, node: string): readonly string[] {
  const { machine } = bench.nodes.node(node);
  return readdirSync(machine.path('/var/lib/nightlift/units')).filter((name) => name !== '.lock');
}

export async function until(condition: () => boolean): Promise<void> {
  for (let left = 500; left > 0; left -= 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('it has not come about within ten seconds');
}
