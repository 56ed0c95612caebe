import type { ImageSources } from '../facts/image-sources.ts';
import { type RenderVariables, renderStrict } from '../render.ts';
import { minorOf } from '../version.ts';
import type { Fence } from './fence.ts';

/** What runs as root on a node. */
export interface NodeScript {
  /** Name of the file in templates/node without '.sh': explainFailure knows it by this. */
  readonly name: string;
  readonly text: string;
  /** What the text was made with. */
  readonly variables: RenderVariables;
  /** Of a script that starts a unit: what the unit runs. */
  readonly starts?: NodeScript;
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

/** Which node a script is for, so that it can prove on the machine that it is there. */
export interface ThisNode {
  readonly node: string;
  /** Of the node's status; empty when it has none. */
  readonly machineId: string;
}

export interface StageParameters extends Repository, ThisNode {
  readonly target: string;
  readonly role: UpgradeRole;
  /** Fingerprints that the repository's key may have, 40 hex digits each; none accepts any (D14). */
  readonly keyFingerprints: readonly string[];
  readonly keyWarnDays: number;
  /** Bytes that must be free on the node before anything is fetched. */
  readonly neededBytes: number;
  /** Of no use on a worker, which gets no images. */
  readonly images: ImageSources;
}

export interface UpgradeParameters extends Repository, ThisNode {
  readonly target: string;
  readonly role: UpgradeRole;
  readonly ignorePreflightErrors: readonly string[];
  readonly skipPhases: readonly string[];
  /** On the node; empty for none. */
  readonly patchesDirectory: string;
  /** false only when etcd's image is proven to stay the same (I06). */
  readonly etcdUpgrade: boolean;
}

export interface DiffParameters extends ThisNode {
  readonly target: string;
  /** On the node; empty for none. */
  readonly patchesDirectory: string;
  /** The cluster's, for etcd's manifest; empty where etcd has none. */
  readonly etcdConfiguration: string;
}

export interface EtcdSnapshotParameters extends ThisNode {
  readonly target: string;
  /** The run that it belongs to; a snapshot of the same run that is younger than `reuseSeconds` is not taken again. */
  readonly run: string;
  readonly reuseSeconds: number;
  readonly directory: string;
  readonly keep: number;
  readonly restoreProof: 'auto' | 'off';
  readonly timeLimitSeconds: number;
}

export interface ContainerdParameters extends ThisNode {
  /** Upstream '1.7.24', or a full package version. */
  readonly version: string;
  readonly lockTimeoutSeconds: number;
}

export interface ControlPlaneHealthParameters {
  /** API servers to ask, with their address and port: [fd00::1]:6443 for IPv6. */
  readonly apiServers: readonly { readonly node: string; readonly address: string }[];
  readonly timeLimitSeconds: number;
}

export interface NodeScripts {
  listReleases(parameters: Repository & { readonly minor: string }): NodeScript;
  nodeState(): NodeScript;
  fileSize(parameters: ThisNode & { readonly file: string }): NodeScript;
  thisNode(parameters: ThisNode): NodeScript;
  survey(parameters: ThisNode): NodeScript;
  stage(parameters: StageParameters): NodeScript;
  /** `target`: what was staged, and is not taken. */
  unstage(parameters: ThisNode & { readonly target: string }): NodeScript;
  plan(parameters: { readonly target: string; readonly ignorePreflightErrors: readonly string[] }): NodeScript;
  diff(parameters: DiffParameters): NodeScript;
  manifestCopies(parameters: { readonly target: string }): NodeScript;
  pruneBackups(parameters: ThisNode & Fence & { readonly days: number }): NodeScript;
  controlPlaneHealth(parameters: ControlPlaneHealthParameters): NodeScript;
  etcdSnapshot(parameters: EtcdSnapshotParameters): NodeScript;
  upgradeNode(parameters: UpgradeParameters): NodeScript;
  stageContainerd(parameters: ContainerdParameters): NodeScript;
  raiseContainerd(parameters: ContainerdParameters): NodeScript;
  runScript(parameters: ThisNode & Fence & { readonly text: string }): NodeScript;
}

/** Phases of `kubeadm upgrade apply` that `kubeadm upgrade node` does not have: naming one there is an error (kubeadm-facts.md A1). */
const APPLY_ONLY_PHASES = ['upload-config', 'uploadconfig', 'bootstrap-token'];

interface Composition {
  /** What the script calls or stands on. */
  readonly before?: readonly string[];
  /** The parts that it goes on with; they see its variables, and never stand alone. */
  readonly after?: readonly string[];
}

/** What stands around a script besides common.sh. Whatever changes a node proves first that it is on that node. */
const COMPOSED: Readonly<Record<string, Composition>> = {
  diff: { before: ['this-node', 'manifests'] },
  'file-size': { before: ['this-node'] },
  'list-releases': { before: ['apt', 'source-files', 'sources'] },
  'detached-arrive': { before: ['fence'] },
  'prune-backups': { before: ['this-node', 'fence'] },
  'run-script': { before: ['this-node', 'fence'] },
  unstage: { before: ['this-node'] },
  'stage-containerd': { before: ['this-node', 'apt', 'containerd-package'] },
  'raise-containerd': { before: ['this-node', 'apt', 'containerd-package'] },
  'node-state': { before: ['manifests'] },
  stage: { before: ['this-node', 'manifests', 'cri-socket', 'apt', 'source-files', 'sources'] },
  survey: {
    before: ['this-node', 'manifests', 'source-files', 'cri-socket', 'etcd', 'tell', 'node-state'],
    after: ['survey-machine', 'survey-packages', 'survey-kubernetes', 'survey-etcd'],
  },
  'upgrade-node': {
    before: ['this-node', 'manifests', 'apt', 'source-files', 'sources'],
    after: [
      'upgrade-node-guard',
      'upgrade-node-source',
      'upgrade-node-kubeadm-package',
      'upgrade-node-kubeadm',
      'upgrade-node-kubelet',
    ],
  },
  'control-plane-health': { before: ['manifests', 'etcd'] },
  'etcd-snapshot': {
    before: ['this-node', 'manifests', 'etcd'],
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
    fileSize: (given) => plain('file-size', { ...given }),
    thisNode: ({ node, machineId }) => plain('this-node', { node, machineId }),
    survey: ({ node, machineId }) => plain('survey', { node, machineId }),
    stage: (given) =>
      withSources('stage', given, minorOf(given.target), {
        node: given.node,
        machineId: given.machineId,
        target: given.target,
        role: given.role,
        keyFingerprints: given.keyFingerprints.map((one) => one.replaceAll(/\s/g, '').toUpperCase()).join(' '),
        keyWarnDays: given.keyWarnDays,
        neededBytes: given.neededBytes,
        ...given.images,
        withoutImages: given.images.withoutImages.join(' '),
      }),
    unstage: (given) => plain('unstage', { ...given }),
    plan: (given) =>
      plain('plan', { target: given.target, ignorePreflightErrors: given.ignorePreflightErrors.join(',') }),
    diff: (given) => plain('diff', { ...given }),
    manifestCopies: (given) => plain('manifest-copies', { ...given }),
    pruneBackups: (given) => plain('prune-backups', { ...given }),
    controlPlaneHealth: ({ apiServers, timeLimitSeconds }) =>
      plain('control-plane-health', {
        apiServers: apiServers.map(({ node, address }) => `${node}=${address}`).join(' '),
        timeLimitSeconds,
      }),
    etcdSnapshot: (given) => plain('etcd-snapshot', { ...given }),
    upgradeNode: (given) =>
      withSources('upgrade-node', given, minorOf(given.target), {
        node: given.node,
        machineId: given.machineId,
        target: given.target,
        role: given.role,
        ignorePreflightErrors: given.ignorePreflightErrors.join(','),
        skipPhases: phasesFor(given.role, given.skipPhases).join(','),
        patchesDirectory: given.patchesDirectory,
        etcdUpgrade: given.etcdUpgrade,
      }),
    stageContainerd: (given) => plain('stage-containerd', { ...given }),
    raiseContainerd: (given) => plain('raise-containerd', { ...given }),
    runScript: ({ text, ...given }) =>
      plain('run-script', { ...given, scriptBase64: Buffer.from(text).toString('base64') }),
  };
}

/** A script of templates/node as one text. */
export function renderScript(templates: ScriptTemplates, name: string, variables: RenderVariables): NodeScript {
  const text = composed(name, (file) => renderStrict(templates(file), variables, 'sh', `node script ${file}.sh`));
  return { name, text, variables };
}

/** The same text before anything is filled in. */
export function scriptParts(templates: ScriptTemplates, name: string): string {
  return composed(name, templates);
}

/** Everything that a script stands between. */
function composed(name: string, textOf: (file: string) => string): string {
  const { before = [], after = [] } = COMPOSED[name] ?? {};
  return `#!/bin/bash\n${['common', ...before, name, ...after].map(textOf).join('\n')}`;
}

function phasesFor(role: UpgradeRole, phases: readonly string[]): readonly string[] {
  if (role === 'first-control-plane') return phases;
  return phases.filter((phase) => !APPLY_ONLY_PHASES.includes(phase.split('/')[0] ?? ''));
}
