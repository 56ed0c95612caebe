import { createHash } from 'node:crypto';
import { NightliftError } from '../errors.ts';
import { IMAGE_REPOSITORY, IMAGE_TAG } from '../facts/image-sources.ts';
import type { RenderValue } from '../render.ts';
import type { Settings } from '../settings/settings.ts';
import { type NodeScript, type ScriptTemplates, scriptParts } from './scripts.ts';

/** Root's, on every node that takes the restricted key. */
export const NODE_PROGRAM = '/opt/nightlift/nightlift-node';
const LIBRARY = '/opt/nightlift';

/** Answers at once; a person's or a Job's question. */
const RUN = [
  'control-plane-health',
  'detached-clean',
  'detached-poll',
  'diff',
  'file-size',
  'list-releases',
  'manifest-copies',
  'node-state',
  'plan',
  'prune-backups',
  'survey',
  'this-node',
  'unstage',
] as const;
/** Runs as a unit. */
const START = ['etcd-snapshot', 'raise-containerd', 'stage', 'stage-containerd', 'upgrade-node'] as const;
/** Starts the units; its script is put together on the node. */
const ARRIVE = 'detached-arrive';
const COMPOSED_THERE = 'scriptBase64';

/** What the settings allow when the program is installed, and the node holds the key to from then on. */
export interface NodePolicy {
  readonly repoBase: string;
  readonly keyFingerprints: readonly string[];
  readonly ignorePreflightErrors: readonly string[];
  readonly skipPhases: readonly string[];
  readonly patchesDirectory: string;
  readonly directory: string;
  readonly backupDays: number;
}

export function nodePolicy({
  packages,
  kubeadm,
  snapshot,
}: Pick<Settings, 'packages' | 'kubeadm' | 'snapshot'>): NodePolicy {
  return {
    repoBase: packages.baseUrl.replace(/\/+$/, ''),
    keyFingerprints: packages.keyFingerprints.map((one) => one.replaceAll(/\s/g, '').toUpperCase()),
    ignorePreflightErrors: kubeadm.ignorePreflightErrors,
    skipPhases: kubeadm.skipPhases,
    patchesDirectory: kubeadm.patchesDirectory,
    directory: snapshot.directory,
    backupDays: kubeadm.backupDays,
  };
}

/** Of no other kind: an InitConfiguration names folders of which kubeadm takes patches. */
const ETCD_CONFIGURATION = '^([{]"apiVersion":"kubeadm[.]k8s[.]io/v[0-9a-z]+","kind":"ClusterConfiguration",.*[}])?$';
const NUMBER = '^[0-9]{1,15}$';
const NODE_NAME = '^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$';

/** The whole value of a parameter, as a POSIX extended regular expression, by the parameter's name. */
function patterns(policy: NodePolicy): Readonly<Record<string, string>> {
  return {
    apiServers: '^([a-z0-9][a-z0-9.-]*=[][0-9A-Za-z.:-]+( |$))*$',
    days: exactly(String(policy.backupDays)),
    directory: exactly(policy.directory),
    dnsRepository: IMAGE_REPOSITORY,
    dnsTag: IMAGE_TAG,
    etcdConfiguration: ETCD_CONFIGURATION,
    etcdRepository: IMAGE_REPOSITORY,
    etcdTag: IMAGE_TAG,
    etcdUpgrade: '^(true|false)$',
    file: '^/[^[:cntrl:]]{1,4000}$',
    generation: NUMBER,
    holder: '^[A-Za-z0-9._@:-]{1,253}$',
    identity: '^[0-9a-f]{64}$',
    imageRepository: IMAGE_REPOSITORY,
    ignorePreflightErrors: someOf(policy.ignorePreflightErrors, ','),
    keep: '^[1-9][0-9]{0,3}$',
    keyFingerprints: exactly(policy.keyFingerprints.join(' ')),
    keyWarnDays: '^[0-9]{1,5}([.][0-9]{1,3})?$',
    lockTimeoutSeconds: '^[0-9]{1,6}([.][0-9]{1,3})?$',
    machineId: '^[0-9a-f-]{0,64}$',
    minor: '^[0-9]{1,3}[.][0-9]{1,4}$',
    neededBytes: NUMBER,
    node: NODE_NAME,
    offset: NUMBER,
    patchesDirectory: exactly(policy.patchesDirectory),
    repoBase: exactly(policy.repoBase),
    restoreProof: '^(auto|off)$',
    reuseSeconds: '^[0-9]{1,9}([.][0-9]{1,3})?$',
    role: '^(first-control-plane|control-plane|worker)$',
    run: '^[0-9a-f-]{0,64}$',
    skipPhases: someOf(policy.skipPhases, ','),
    target: '^[0-9]{1,3}[.][0-9]{1,4}[.][0-9]{1,4}$',
    timeLimitSeconds: '^[0-9]{1,6}([.][0-9]{1,3})?$',
    unit: '^nightlift-[a-z0-9-]{1,200}$',
    version: '^[0-9][0-9A-Za-z.+~:-]{0,100}$',
    withoutImages: someOf(['dns', 'proxy', 'etcd'], ' '),
    waitSeconds: '^[0-9]{1,4}([.][0-9]{1,3})?$',
  };
}

function quoted(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, (sign) => (sign === '\\' || sign === '^' ? `\\${sign}` : `[${sign}]`));
}

function exactly(text: string): string {
  return `^${quoted(text)}$`;
}

/** Any selection of the words, in any order; so is none. */
function someOf(words: readonly string[], separator: string): string {
  if (words.length === 0) return '^$';
  const one = `(${words.map(quoted).join('|')})`;
  return `^(${one}(${separator}${one})*)?$`;
}

/** Files by their path on the node, with what the script of the installation does not have to know: all of them are root's. */
export type NodeFiles = ReadonlyMap<string, string>;

/** Everything of one release under its own folder, so that several can lie side by side. @throws NightliftError (config) for a script with a parameter that nobody has a rule for. */
export function nodeFiles(templates: ScriptTemplates, policy: NodePolicy): NodeFiles {
  const place = `${LIBRARY}/${releaseOf(templates)}`;
  const rules = patterns(policy);
  const scripts = [...RUN, ...START, ARRIVE];
  const parameters = scripts.flatMap((script) =>
    parametersOf(templates, script).map((name) => {
      const pattern = rules[name];
      if (pattern !== undefined) return `${script} ${name} ${pattern}`;
      throw new NightliftError(
        'config',
        `making the node program: ${script}.sh has the parameter ${name}, for which there is no rule`,
        {
          remedy:
            'Take the scripts that Nightlift brings: with a key that can only upgrade they cannot be edited in the cluster.',
        },
      );
    }),
  );
  return new Map([
    ...scripts.map((script) => [`${place}/${script}.sh`, standing(templates, script)] as const),
    [`${place}/scripts`, lines([...RUN.map((script) => `run ${script}`), ...START.map((script) => `start ${script}`)])],
    [`${place}/parameters`, lines(parameters)],
  ]);
}

/** Where they are asked again and again, the texts are those of the image. */
const releases = new WeakMap<ScriptTemplates, string>();

/** Of the very texts: what was reviewed on a node is what runs there. */
export function releaseOf(templates: ScriptTemplates): string {
  const known = releases.get(templates);
  if (known !== undefined) return known;
  const hash = createHash('sha256');
  for (const script of [...RUN, ...START, ARRIVE]) hash.update(`${script}\0${standing(templates, script)}\0`);
  const release = hash.digest('hex').slice(0, 16);
  releases.set(templates, release);
  return release;
}

const TAG = /\{\{\s*(\w+)\s*\}\}/g;

function parametersOf(templates: ScriptTemplates, script: string): readonly string[] {
  const names = [...scriptParts(templates, script).matchAll(TAG)].map(([, name = '']) => name);
  return [...new Set(names)].filter((name) => name !== COMPOSED_THERE).toSorted();
}

/** The script with its parameters in the array that the node program has filled. */
function standing(templates: ScriptTemplates, script: string): string {
  return scriptParts(templates, script).replaceAll(TAG, (_, name: string) => `"\${given[${name}]}"`);
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}

/**
 * What the node program is asked: a script by name, with its values. `starts` of a script that starts a unit is what the unit runs.
 * @throws NightliftError (config) for a script that is not one of its own.
 */
export function nodeRequest(templates: ScriptTemplates, script: NodeScript, seconds: number): string {
  const asked = script.starts ?? script;
  const verb = script.starts === undefined ? 'run' : 'start';
  if (![...RUN, ...START].some((name) => name === asked.name))
    throw new NightliftError('config', `asking a node to ${verb} ${asked.name}.sh: the node program does not have it`, {
      remedy:
        'With ssh.access: upgrade-only nothing else runs on the nodes; docs/security.md says what that leaves out.',
    });
  const valuesOf = ({ name, variables }: NodeScript, prefix: string): readonly string[] =>
    parametersOf(templates, name).map((key) => `${prefix}${key} ${base64Of(variables[key])}`);
  return lines([
    `nightlift-node 1 ${releaseOf(templates)} ${verb} ${asked.name} ${seconds}`,
    ...valuesOf(asked, ''),
    ...(script.starts === undefined ? [] : valuesOf(script, 'unit.')),
    'end',
  ]);
}

/** Every parameter of a node's script is one word: rendering it has refused anything else. */
function base64Of(value: RenderValue | undefined): string {
  const word = typeof value === 'object' || value === undefined ? '' : String(value);
  return Buffer.from(word).toString('base64');
}
