import type { Lab } from '../lab/lab-state.ts';
import { isUpgrade, type KubeadmRun, readKubeadmRuns } from './kubeadm-runs.ts';
import type { FollowedChain } from './night.ts';
import type { LogLine, PodLogs } from './pod-logs.ts';

/** Milliseconds of one night, or of one node's part of it. */
export interface Shares {
  readonly wall: number;
  readonly kubeadm: number;
  /** Fetching packages and images, and installing packages. */
  readonly packages: number;
  readonly drain: number;
  readonly soak: number;
  /** Waiting for Kubernetes: for a node, its control plane and its DaemonSets to be Ready again. */
  readonly ready: number;
  /** Wall time less all of these. */
  readonly own: number;
}

export interface NodeShares extends Shares {
  readonly node: string;
}

const STEP = /^(?!waiting: )(?<step>[a-z]+(?:-[a-z]+)*): /;

/** Where the time of each node's Job went: steps from its log, kubeadm from the record on the node. */
export async function sharesOfNight(lab: Lab, logs: PodLogs, night: FollowedChain): Promise<readonly NodeShares[]> {
  const shares: NodeShares[] = [];
  for (const node of lab.nodes) {
    const lines = logs
      .lines()
      .filter(
        (line) =>
          line.time >= night.startedAt && /^(master|worker)$/.test(line.phase) && line.fields['node'] === node.name,
      );
    const runs = await readKubeadmRuns(lab, node, night.startedAt);
    if (lines.length > 0) shares.push({ node: node.name, ...sharesOfNode(lines, runs) });
  }
  return shares;
}

function sharesOfNode(lines: readonly LogLine[], runs: readonly KubeadmRun[]): Shares {
  const first = lines[0]?.time ?? 0;
  const wall = (lines.at(-1)?.time ?? first) - first;
  const steps = lines.filter((line) => STEP.test(line.message));
  const lasted = (name: string): number =>
    steps.reduce((sum, line, index) => {
      const end = steps[index + 1]?.time ?? lines.at(-1)?.time ?? line.time;
      return STEP.exec(line.message)?.groups?.['step'] === name ? sum + end - line.time : sum;
    }, 0);
  const kubeadm = runs
    .filter(isUpgrade)
    .reduce((sum, run) => sum + ((run.endedAt ?? run.startedAt) - run.startedAt), 0);
  const at = (text: string): number | undefined =>
    lines.find((line) => line.message.startsWith(`nightlift: ${text}`))?.time;
  const between = (from: number | undefined, to: number | undefined): number =>
    from === undefined || to === undefined ? 0 : Math.max(0, to - from);
  const packages =
    lasted('stage') +
    between(at('installing kubeadm'), at('running kubeadm')) +
    between(at('installing kubelet'), at('restarting the kubelet'));
  const [drain, soak] = [lasted('drain'), lasted('soak')];
  const ready = WAITS.reduce((total, name) => total + lasted(name), 0);
  return { wall, kubeadm, packages, drain, soak, ready, own: wall - kubeadm - packages - drain - soak - ready };
}

/** The steps that wait for Kubernetes and do nothing else. */
const WAITS = ['nodes-ready', 'control-planes-healthy', 'ready', 'control-plane-pods', 'daemon-sets'];

export function addShares(one: Shares, other: Shares): Shares {
  const sum = (key: keyof Shares): number => one[key] + other[key];
  return {
    wall: sum('wall'),
    kubeadm: sum('kubeadm'),
    packages: sum('packages'),
    drain: sum('drain'),
    soak: sum('soak'),
    ready: sum('ready'),
    own: sum('own'),
  };
}

/** The whole night: what is in no node's part (detection, preflight, postflight, the starts of pods) is in `own` too. */
export function sumOfNight(night: FollowedChain, nodes: readonly NodeShares[]): Shares {
  const sum = (key: keyof Shares): number => nodes.reduce((total, one) => total + one[key], 0);
  const wall = night.endedAt - night.startedAt;
  const [kubeadm, packages, drain] = [sum('kubeadm'), sum('packages'), sum('drain')];
  const [soak, ready] = [sum('soak'), sum('ready')];
  return { wall, kubeadm, packages, drain, soak, ready, own: wall - kubeadm - packages - drain - soak - ready };
}
