import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Family } from './address-families.ts';
import { indexKubernetes, publishedMinors, publishVersion } from './apt-repository.ts';
import { type Arguments, help, parseArguments, UsageError, wholeNumber } from './arguments.ts';
import { buildPrograms } from './build-programs.ts';
import { kubectlHere } from './cluster.ts';
import { collectLogs } from './collect-logs.ts';
import { addImage } from './directory-image.ts';
import { down, downAll } from './down.ts';
import { untagImage } from './image-store.ts';
import { provideKubeImages } from './kube-images.ts';
import { programsDir } from './lab-paths.ts';
import type { ContainerdLine, LabSpec } from './lab-spec.ts';
import { freeSubnet, readSpec, theLab } from './lab-state.ts';
import { CannotRunHere, checkPrograms } from './machine.ts';
import { type OddName, odds } from './odd.ts';
import { servicesDown, servicesUp } from './services.ts';
import { interactiveSsh } from './ssh-access.ts';
import { showStatus } from './status.ts';
import { up } from './up.ts';

const started = Date.now();

function log(line: string): void {
  console.error(`[${((Date.now() - started) / 1000).toFixed(1)} s] ${line}`);
}

function containerdLine(text: string): ContainerdLine {
  if (text === '1.6' || text === '1.7') return text;
  throw new UsageError(`reading the containerd line "${text}": there are 1.6 and 1.7`);
}

function releaseVersion(text: string | undefined): string {
  if (text !== undefined && /^\d+\.\d+\.\d+$/.test(text)) return text;
  throw new UsageError(`reading the version "${text ?? ''}": expected X.Y.Z`);
}

function oddNames(given: string[]): OddName[] {
  const wanted = given.flatMap((names) => names.split(','));
  const unknown = wanted.find((name) => !Object.hasOwn(odds, name));
  if (unknown !== undefined)
    throw new UsageError(`reading --odd ${unknown}: there are ${Object.keys(odds).join(', ')}`);
  // In the order of the table: later ones change what earlier ones have written.
  return (Object.keys(odds) as OddName[]).filter((name) => wanted.includes(name));
}

function nodeSuffix(text: string): string {
  if (/^(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(text) && text.length <= 40) return text;
  throw new UsageError(
    `reading --node-suffix "${text}": expected labels, each with a dot before it, as .rack-a.example`,
  );
}

const familiesOf: Readonly<Record<string, Family[]>> = { no: ['ipv4'], dual: ['ipv4', 'ipv6'], only: ['ipv6'] };

function labFamilies(text: string): Family[] {
  const found = Object.hasOwn(familiesOf, text) ? familiesOf[text] : undefined;
  if (found !== undefined) return found;
  throw new UsageError(`reading --ipv6 "${text}": expected ${Object.keys(familiesOf).join(', ')}`);
}

async function specOf({ values }: Arguments): Promise<LabSpec> {
  if (!/^[a-z][a-z0-9-]{0,20}$/.test(values.name))
    throw new UsageError(`reading the name "${values.name}": lower-case letters, digits and -`);
  const earlier = await readSpec(values.name).catch(() => undefined);
  const containerdOf: Record<string, ContainerdLine> = {};
  for (const pair of values['containerd-of'] ?? []) {
    const [node = '', line = ''] = pair.split('=');
    containerdOf[node] = containerdLine(line);
  }
  return {
    name: values.name,
    subnet:
      values.subnet === undefined
        ? (earlier?.subnet ?? (await freeSubnet()))
        : wholeNumber(values.subnet, 'the subnet', 1, 254),
    controlPlanes: wholeNumber(values['control-planes'], 'the number of control planes', 1, 7),
    workers: wholeNumber(values.workers, 'the number of workers', 0, 20),
    version: releaseVersion(values.version),
    containerd: containerdLine(values.containerd),
    containerdOf,
    odd: oddNames(values.odd ?? []),
    externalEtcd: values['external-etcd'],
    sshPort: wholeNumber(values['ssh-port'], 'the port of sshd', 1, 65_535),
    nodeSuffix: nodeSuffix(values['node-suffix']),
    families: labFamilies(values.ipv6),
  };
}

async function publish({ words, values }: Arguments): Promise<void> {
  const version = releaseVersion(words[0]);
  checkPrograms();
  const lab = await theLab(values.name);
  // Images first: a version that can be seen can be installed.
  await provideKubeImages(lab.registry.tags, version);
  await publishVersion(lab.repository.dir, version, values.revision);
  log(`${version}-${values.revision} can be seen at ${lab.repository.fromNodes}`);
}

async function repository({ words, values }: Arguments): Promise<void> {
  const [verb, key] = words;
  if (verb !== 'sign' || (key !== 'good' && key !== 'wrong' && key !== 'expired')) {
    throw new UsageError(`reading "repository ${words.join(' ')}": expected sign good|wrong|expired`);
  }
  const lab = await theLab(values.name);
  const minors = values.minor === undefined ? await publishedMinors(lab.repository.dir) : [values.minor];
  for (const minor of minors) await indexKubernetes(lab.repository.dir, minor, key);
}

async function image({ words, values, rest }: Arguments): Promise<void> {
  const lab = await theLab(values.name);
  const [verb, reference = '', directory] = words;
  if (verb === 'remove') {
    if (!(await untagImage(lab.registry.tags, reference)))
      throw new Error(`removing ${reference}: the registry does not have it`);
  } else if (verb === 'add' && directory !== undefined) {
    await addImage(lab.registry.tags, reference, path.resolve(directory), { base: values.base, command: rest });
  } else throw new UsageError(`reading "image ${words.join(' ')}": expected remove NAME:TAG or add NAME:TAG DIRECTORY`);
}

async function services({ words, values }: Arguments): Promise<void> {
  const lab = await theLab(values.name);
  if (words[0] === 'up') await servicesUp(lab, values.rules ?? [], log);
  else if (words[0] === 'down') await servicesDown(lab);
  else throw new UsageError(`reading "services ${words.join(' ')}": expected up or down`);
}

async function build({ words, values }: Arguments): Promise<void> {
  const into = path.resolve(values.into ?? programsDir());
  await buildPrograms(into, words, log);
  log(`they are in ${into}: NIGHTLIFT_KUBE_DIR=${into}`);
}

async function ssh({ rest, values }: Arguments): Promise<number> {
  const lab = await theLab(values.name);
  const node = lab.nodes.find(({ name }) => name === rest[0] || name === `${rest[0] ?? ''}${lab.spec.nodeSuffix}`);
  if (node === undefined)
    throw new UsageError(
      `looking for the node "${rest[0] ?? ''}": there are ${lab.nodes.map((one) => one.name).join(', ')}`,
    );
  return interactiveSsh(lab, node, rest.slice(1));
}

async function logs({ words, values }: Arguments): Promise<void> {
  const [directory] = words;
  if (directory === undefined) throw new UsageError('collecting logs: expected a directory');
  await mkdir(directory, { recursive: true });
  await collectLogs(await theLab(values.name), path.resolve(directory));
}

async function main(given: Arguments): Promise<number> {
  const { command, values } = given;
  if (values.help || command === 'help') console.log(help);
  else if (command === 'up') console.log(path.join((await up(await specOf(given), log)).dir, 'lab.json'));
  else if (command === 'build') await build(given);
  else if (command === 'status') await showStatus();
  else if (command === 'ssh') return ssh(given);
  else if (command === 'kubectl') return kubectlHere(await theLab(values.name), given.rest);
  else if (command === 'publish') await publish(given);
  else if (command === 'repository') await repository(given);
  else if (command === 'image') await image(given);
  else if (command === 'services') await services(given);
  else if (command === 'logs') await logs(given);
  else if (command === 'down') await (values.all ? downAll() : down(values.name));
  else throw new UsageError(`"${command}" is not a command`);
  return 0;
}

try {
  process.exitCode = await main(parseArguments(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof CannotRunHere ? 78 : error instanceof UsageError ? 64 : 1;
}
