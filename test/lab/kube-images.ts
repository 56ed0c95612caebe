import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileHash, keyOf } from './cached.ts';
import { type ImageSettings, type Layer, layerOf, layerOfTar, putImage, readLayer, tagImage } from './image-store.ts';
import { cacheDir, programsDir } from './lab-paths.ts';
import { minorOf } from './lab-spec.ts';
import { availableVersions, kubeProgram, unpackTo } from './programs.ts';
import { mustRun } from './run-command.ts';

const kubeNames = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy'];
const basePackages = 'iptables,conntrack,libstdc++6,ca-certificates,openssh-client';

/** The pause image that the nodes' containerd uses for every pod, whatever the Kubernetes version. */
export const sandboxImage = 'registry.k8s.io/pause:3.10.1';

/** Makes every image that kubeadm of this version asks for, and gives them to one lab's registry. */
export async function provideKubeImages(tags: string, version: string): Promise<string[]> {
  const kubeadm = await kubeProgram(version);
  const listed = await mustRun(kubeadm, ['config', 'images', 'list', '--kubernetes-version', `v${version}`], {
    argv0: 'kubeadm',
  });
  const wanted = listed.trim().split('\n');
  if (!wanted.includes(sandboxImage)) wanted.push(sandboxImage);
  for (const reference of wanted) await tagImage(tags, reference, await imageFor(reference, kubeadm, version));
  return wanted;
}

async function imageFor(reference: string, kubeadm: string, version: string): Promise<string> {
  const match = /\/([a-z-]+):v?([\d.]+)/.exec(reference);
  const name = match?.[1] ?? '';
  const tag = match?.[2] ?? '';
  if (name === 'etcd') return putImage([await etcdLayer(tag)], {});
  if (name === 'coredns') return putImage([await programLayer('coredns', newest('coredns'), 'coredns')], coredns);
  if (name === 'pause')
    return putImage([await programLayer('pause', 'pause.zst', 'pause')], {
      entrypoint: ['/pause'],
      user: '65535:65535',
    });
  if (kubeNames.includes(name)) {
    const layer = await kubeLayer(kubeadm, version);
    return putImage(name === 'kube-proxy' ? [await baseLayer(), layer] : [layer], {});
  }
  throw new Error(
    `making the image ${reference}: kubeadm ${version} asks for it, and the lab has no program of that name`,
  );
}

const coredns: ImageSettings = { entrypoint: ['/coredns'] };

function newest(program: 'coredns'): string {
  return `${program}-${availableVersions(program).at(-1) ?? ''}.zst`;
}

async function remembered(key: string, make: (staging: string) => Promise<Layer>): Promise<Layer> {
  const note = path.join(cacheDir(), 'images', 'layers', key);
  const known = await readLayer(note);
  if (known !== undefined) return known;
  const staging = path.join(cacheDir(), 'images', `staging-${process.pid}-${key}`);
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  try {
    const layer = await make(staging);
    await mkdir(path.dirname(note), { recursive: true });
    const half = `${note}.${process.pid}`;
    await writeFile(half, `${layer.digest} ${layer.size}`);
    await rename(half, note);
    return layer;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function kubeLayer(kubeadm: string, version: string): Promise<Layer> {
  return remembered(`kube-${version}-${path.basename(path.dirname(kubeadm))}`, async (staging) => {
    const bin = path.join(staging, 'usr/local/bin');
    await mkdir(bin, { recursive: true });
    await mustRun('cp', ['--reflink=auto', kubeadm, path.join(bin, 'kube')]);
    for (const name of kubeNames) await symlink('kube', path.join(bin, name));
    return layerOf(staging);
  });
}

/** The tag that kubeadm asks for, or the nearest etcd of the same minor that is at hand. */
async function etcdLayer(tag: string): Promise<Layer> {
  const all = availableVersions('etcd');
  const version = all.find((have) => have === tag) ?? all.filter((have) => minorOf(have) === minorOf(tag)).at(-1);
  if (version === undefined)
    throw new Error(`making the image etcd:${tag}: ${programsDir()} has etcd ${all.join(', ')}`);
  const file = `etcd-${version}.zst`;
  return remembered(`etcd-${version}-${await keyOfProgram(file)}`, async (staging) => {
    const bin = path.join(staging, 'usr/local/bin');
    await mkdir(bin, { recursive: true });
    await unpackTo(file, path.join(bin, 'etcd'));
    for (const name of ['etcdctl', 'etcdutl']) await symlink('etcd', path.join(bin, name));
    return layerOf(staging);
  });
}

async function programLayer(key: string, file: string, name: string): Promise<Layer> {
  return remembered(`${key}-${await keyOfProgram(file)}`, async (staging) => {
    await unpackTo(file, path.join(staging, name));
    await mkdir(path.join(staging, 'tmp'), { recursive: true });
    return layerOf(staging);
  });
}

async function keyOfProgram(file: string): Promise<string> {
  return (await fileHash(path.join(programsDir(), file))).slice(0, 12);
}

/** A slim Debian for what needs more than one static binary: kube-proxy, and the image of the chain's Jobs. */
export async function baseLayer(): Promise<Layer> {
  return remembered(`debian-${keyOf(basePackages)}`, async (staging) => {
    const tar = path.join(staging, 'base.tar');
    const slim = ['--dpkgopt=path-exclude=/usr/share/{doc,man,locale}/*', '--aptopt=Apt::Install-Recommends "false"'];
    await mustRun('mmdebstrap', [
      '--quiet',
      '--variant=minbase',
      ...slim,
      `--include=${basePackages}`,
      'bookworm',
      tar,
    ]);
    return layerOfTar(tar);
  });
}
