import type { NodeFact } from '../facts/node-fact.ts';
import { workers } from '../facts/nodes.ts';
import { runtimeOf } from '../facts/runtime.ts';
import { someOf } from '../some-of.ts';
import { compareVersions, minorNumber, minorOf } from '../version.ts';
import type { Check } from './check.ts';
import type { Finding } from './finding.ts';
import type { GateOptions } from './gate-options.ts';
import { unknownFinding } from './unknown-finding.ts';

const NAME = 'container-runtime';

interface Floor {
  /** From this minor of Kubernetes on, until the next row. */
  readonly from: number;
  readonly version: string;
  readonly why: string;
}

/**
 * Oldest versions with which a kubelet starts. CRI v1 since 1.26 (containerd RELEASES.md, "Kubernetes Support");
 * RuntimeConfig since 1.38, where the kubelet's own cgroup driver setting goes away (KEP-4033; it was moved from 1.36
 * to 1.37 to 1.38, and is still announced, not final). A Map, for a runtime may call itself by any name: `constructor`.
 */
const FLOORS: ReadonlyMap<string, readonly Floor[]> = new Map(
  Object.entries({
    containerd: [
      { from: 26, version: '1.6.15', why: 'CRI v1' },
      { from: 38, version: '2.0.0', why: 'RuntimeConfig, without which a kubelet from 1.38 on does not start' },
    ],
    'cri-o': [
      { from: 26, version: '1.26.0', why: 'CRI v1' },
      { from: 38, version: '1.28.0', why: 'RuntimeConfig, without which a kubelet from 1.38 on does not start' },
    ],
  }),
);

/** The lines of containerd that containerd's RELEASES.md recommends per minor of Kubernetes: tested most, not required. */
const TESTED_CONTAINERD: Readonly<Record<number, readonly string[]>> = {
  33: ['1.6.36', '1.7.24', '2.0.4', '2.1.0'],
  34: ['1.6.39', '1.7.28', '2.0.6', '2.1.3'],
  35: ['1.7.28', '2.1.5', '2.2.0'],
  36: ['2.2.0', '2.3.0'],
};

/** A node's container runtime must be at or above the floor of the target's minor, by a range look-up: minors after the last row keep its floor (D10). */
export const containerRuntime: Check = {
  name: NAME,
  reads: ['nodes'],
  evaluate(facts, { target, options, jump }) {
    if (!facts.nodes.known) {
      return [unknownFinding(NAME, 'the container runtimes', facts.nodes.why, 'Look at kubectl get nodes -o wide.')];
    }
    const nodes = facts.nodes.value;
    const findings = nodes.flatMap((node) => {
      const finding = judge(node, target);
      return finding === undefined
        ? []
        : [willBeRaised(finding, node, nodes, target, options.runtime) ? raised(finding) : finding];
    });
    return jump === 'none' || jump === 'patch' ? findings : [...findings, ...untested(nodes, target)];
  },
};

function floorOf(runtime: string, target: string): Floor | undefined {
  return FLOORS.get(runtime)?.findLast((floor) => floor.from <= minorNumber(target));
}

function judge(node: NodeFact, target: string): Finding | undefined {
  const runtime = runtimeOf(node);
  if (runtime === undefined) {
    return unknownFinding(
      NAME,
      `the container runtime of ${node.name}`,
      `"${node.containerRuntime}" is not name://version`,
      `kubectl describe node ${node.name}, then the runtime itself on the node.`,
    );
  }
  if (!FLOORS.has(runtime.name)) {
    return unknownFinding(
      NAME,
      `the oldest ${runtime.name} for ${minorOf(target)}`,
      `Nightlift knows ${[...FLOORS.keys()].join(' and ')} only, and ${node.name} runs ${node.containerRuntime}`,
      'Move the node to containerd or CRI-O, or upgrade this cluster by hand.',
    );
  }
  const floor = floorOf(runtime.name, target);
  if (floor === undefined || compareVersions(runtime.version, floor.version) >= 0) return undefined;
  return {
    check: NAME,
    reason: 'RuntimeTooOld',
    class: 'actionable',
    severity: 'block',
    message: `node ${node.name} runs ${runtime.name} ${runtime.version}; ${minorOf(target)} requires ${floor.version} (${floor.why})`,
    remedy: `Upgrade ${runtime.name} on ${node.name} to ${floor.version} or newer.`,
  };
}

/** Whether a kubelet of the target would not start on the node's runtime, as far as its version can be read. */
export function isRuntimeTooOld(node: NodeFact, target: string): boolean {
  return judge(node, target)?.reason === 'RuntimeTooOld';
}

/** The master step brings a control plane to the workers' version after its drain (D22); then the floor holds before the kubelet moves. */
function willBeRaised(
  finding: Finding,
  node: NodeFact,
  nodes: readonly NodeFact[],
  target: string,
  options: GateOptions['runtime'],
): boolean {
  if (!options.raiseControlPlane || finding.reason !== 'RuntimeTooOld' || node.role !== 'control-plane') return false;
  const others = workers(nodes);
  return (
    others.length > 0 &&
    others.every((worker) => runtimeOf(worker)?.name === runtimeOf(node)?.name && judge(worker, target) === undefined)
  );
}

function raised(finding: Finding): Finding {
  return {
    ...finding,
    severity: 'warn',
    remedy: "Nothing to do: the upgrade raises it to the workers' version first.",
  };
}

/** Runtimes that would start, but that their makers do not test with the target. One finding for each kind, naming the nodes. */
function untested(nodes: readonly NodeFact[], target: string): Finding[] {
  const containerd: string[] = [];
  const crio: string[] = [];
  const lines = TESTED_CONTAINERD[minorNumber(target)];
  for (const node of nodes) {
    const runtime = runtimeOf(node);
    if (runtime?.name === 'cri-o' && minorOf(runtime.version) !== minorOf(target))
      crio.push(`${node.name} (${runtime.version})`);
    if (runtime?.name === 'containerd' && lines !== undefined && !isTested(runtime.version, lines))
      containerd.push(`${node.name} (${runtime.version})`);
  }
  const minor = minorOf(target);
  return [
    ...warn(
      'ContainerdUntested',
      containerd,
      `containerd is tested with ${minor} from ${lines?.join(', ') ?? ''} on; older:`,
      'Upgrade containerd on these nodes soon.',
    ),
    ...warn(
      'CrioOtherMinor',
      crio,
      `CRI-O should have the minor of Kubernetes, ${minor}; another one:`,
      `Upgrade CRI-O to ${minor} on these nodes after the upgrade.`,
    ),
  ];
}

function isTested(version: string, lines: readonly string[]): boolean {
  const own = lines.find((line) => minorOf(line) === minorOf(version));
  if (own !== undefined) return compareVersions(version, own) >= 0;
  return compareVersions(version, lines.at(-1) ?? version) > 0;
}

const MOST_NAMED = 20;

function warn(reason: string, nodes: readonly string[], what: string, remedy: string): Finding[] {
  if (nodes.length === 0) return [];
  return [
    {
      check: NAME,
      reason,
      class: 'actionable',
      severity: 'warn',
      message: `${what} ${someOf(nodes, MOST_NAMED)}`,
      remedy,
    },
  ];
}
