import { type RenderVariables, renderStrict } from '../render.ts';
import { minorOf } from '../version.ts';

/** What runs as root on a node. */
export interface NodeScript {
  /** Name of the file in templates/node without '.sh': explainFailure knows it by this. */
  readonly name: string;
  readonly text: string;
}

/** Text of a file of templates/node by its name without '.sh'; an operator's edited copy comes the same way. */
export type ScriptTemplates = (name: string) => string;

export type UpgradeRole = 'first-control-plane' | 'control-plane' | 'worker';

/** Where a node's packages come from. */
export interface Repository {
  /** What stands before '/v1.36/deb/' in the sources line, e.g. https://pkgs.k8s.io/core:/stable: */
  readonly repoBase: string;
  /** How long apt-get waits for a lock that another program holds. */
  readonly lockTimeoutSeconds: number;
}

export interface StageParameters extends Repository {
  readonly target: string;
  readonly role: UpgradeRole;
  /** Fingerprints that the repository's key may have, 40 hex digits each; none accepts any (D14). */
  readonly keyFingerprints: readonly string[];
  readonly keyWarnDays: number;
  /** Bytes that must be free on the node before anything is fetched. */
  readonly neededBytes: number;
}

export interface UpgradeParameters extends Repository {
  readonly target: string;
  readonly role: UpgradeRole;
  readonly ignorePreflightErrors: readonly string[];
  readonly skipPhases: readonly string[];
  /** On the node; empty for none. */
  readonly patchesDirectory: string;
  /** false only when etcd's image is proven to stay the same (I06). */
  readonly etcdUpgrade: boolean;
}

export interface EtcdSnapshotParameters {
  readonly target: string;
  /** The run that it belongs to; a snapshot of the same run that is younger than `reuseSeconds` is not taken again. */
  readonly run: string;
  readonly reuseSeconds: number;
  readonly directory: string;
  readonly keep: number;
  readonly restoreProof: 'auto' | 'off';
  readonly timeLimitSeconds: number;
}

export interface ControlPlaneHealthParameters {
  /** API servers to ask, with their address and port: [fd00::1]:6443 for IPv6. */
  readonly apiServers: readonly { readonly node: string; readonly address: string }[];
  readonly timeLimitSeconds: number;
}

export interface NodeScripts {
  listReleases(parameters: Repository & { readonly minor: string }): NodeScript;
  nodeState(): NodeScript;
  stage(parameters: StageParameters): NodeScript;
  plan(parameters: { readonly target: string; readonly ignorePreflightErrors: readonly string[] }): NodeScript;
  diff(parameters: { readonly target: string }): NodeScript;
  pruneBackups(parameters: { readonly days: number }): NodeScript;
  controlPlaneHealth(parameters: ControlPlaneHealthParameters): NodeScript;
  etcdSnapshot(parameters: EtcdSnapshotParameters): NodeScript;
  upgradeNode(parameters: UpgradeParameters): NodeScript;
  /** `version`: upstream '1.7.24', or a full package version. */
  raiseContainerd(parameters: { readonly version: string; readonly lockTimeoutSeconds: number }): NodeScript;
  runScript(parameters: { readonly text: string }): NodeScript;
}

/** Phases of `kubeadm upgrade apply` that `kubeadm upgrade node` does not have: naming one there is an error (kubeadm-facts.md A1). */
const APPLY_ONLY_PHASES = ['upload-config', 'uploadconfig', 'bootstrap-token'];

/**
 * What stands around a script besides common.sh: before it what it calls, after it the parts that it goes on with, which see
 * its variables. A part never stands alone.
 */
const COMPOSED: Readonly<Record<string, { readonly before?: readonly string[]; readonly after?: readonly string[] }>> =
  {
    'list-releases': { before: ['apt', 'sources'] },
    stage: { before: ['apt', 'sources'] },
    'upgrade-node': {
      before: ['apt', 'sources'],
      after: [
        'upgrade-node-guard',
        'upgrade-node-source',
        'upgrade-node-kubeadm-package',
        'upgrade-node-kubeadm',
        'upgrade-node-kubelet',
      ],
    },
    'raise-containerd': { before: ['apt'] },
    'control-plane-health': { before: ['etcd'] },
    'etcd-snapshot': {
      before: ['etcd'],
      after: [
        'etcd-snapshot-reuse',
        'etcd-snapshot-take',
        'etcd-snapshot-check',
        'etcd-snapshot-prove',
        'etcd-snapshot-keep',
      ],
    },
  };

/** Renders the scripts; pure. @throws NightliftError (config) when a template names what is not given. */
export function nodeScripts(templates: ScriptTemplates): NodeScripts {
  const plain = (name: string, variables: RenderVariables): NodeScript => renderScript(templates, name, variables);
  const withSources = (name: string, repository: Repository, minor: string, variables: RenderVariables): NodeScript =>
    plain(name, {
      ...variables,
      minor,
      repoBase: repository.repoBase.replace(/\/+$/, ''),
      lockTimeoutSeconds: repository.lockTimeoutSeconds,
    });
  return {
    listReleases: (given) => withSources('list-releases', given, given.minor, {}),
    nodeState: () => plain('node-state', {}),
    stage: (given) =>
      withSources('stage', given, minorOf(given.target), {
        target: given.target,
        role: given.role,
        keyFingerprints: given.keyFingerprints.map((one) => one.replaceAll(/\s/g, '').toUpperCase()).join(' '),
        keyWarnDays: given.keyWarnDays,
        neededBytes: given.neededBytes,
      }),
    plan: (given) =>
      plain('plan', { target: given.target, ignorePreflightErrors: given.ignorePreflightErrors.join(',') }),
    diff: (given) => plain('diff', { target: given.target }),
    pruneBackups: (given) => plain('prune-backups', { days: given.days }),
    controlPlaneHealth: ({ apiServers, timeLimitSeconds }) =>
      plain('control-plane-health', {
        apiServers: apiServers.map(({ node, address }) => `${node}=${address}`).join(' '),
        timeLimitSeconds,
      }),
    etcdSnapshot: (given) => plain('etcd-snapshot', { ...given }),
    upgradeNode: (given) =>
      withSources('upgrade-node', given, minorOf(given.target), {
        target: given.target,
        role: given.role,
        ignorePreflightErrors: given.ignorePreflightErrors.join(','),
        skipPhases: phasesFor(given.role, given.skipPhases).join(','),
        patchesDirectory: given.patchesDirectory,
        etcdUpgrade: given.etcdUpgrade,
      }),
    raiseContainerd: (given) => plain('raise-containerd', given),
    runScript: (given) => plain('run-script', { scriptBase64: Buffer.from(given.text).toString('base64') }),
  };
}

/** A script of templates/node as one text. */
export function renderScript(templates: ScriptTemplates, name: string, variables: RenderVariables): NodeScript {
  const { before = [], after = [] } = COMPOSED[name] ?? {};
  const text = ['common', ...before, name, ...after]
    .map((file) => renderStrict(templates(file), variables, 'sh', `node script ${file}.sh`))
    .join('\n');
  return { name, text: `#!/bin/bash\n${text}` };
}

function phasesFor(role: UpgradeRole, phases: readonly string[]): readonly string[] {
  if (role === 'first-control-plane') return phases;
  return phases.filter((phase) => !APPLY_ONLY_PHASES.includes(phase.split('/')[0] ?? ''));
}
