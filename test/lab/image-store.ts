import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileHash } from './cached.ts';
import { cacheDir } from './lab-paths.ts';
import { mustRun } from './run-command.ts';

export interface Layer {
  digest: string;
  size: number;
}

export interface ImageSettings {
  entrypoint?: string[];
  cmd?: string[];
  user?: string;
  workingDir?: string;
  env?: string[];
}

const layerType = 'application/vnd.oci.image.layer.v1.tar';
export const manifestType = 'application/vnd.oci.image.manifest.v1+json';

export function blobPath(digest: string): string {
  return path.join(cacheDir(), 'images', 'blobs', digest.replace('sha256:', ''));
}

/** Layers are uncompressed: they are never sent further than the next process, and unpack at disk speed. */
export async function layerOf(directory: string): Promise<Layer> {
  const blobs = path.join(cacheDir(), 'images', 'blobs');
  await mkdir(blobs, { recursive: true });
  const staging = path.join(
    blobs,
    `.layer-${process.pid}-${createHash('sha256').update(directory).digest('hex').slice(0, 8)}`,
  );
  // Order, owner and time fixed: the same content has the same digest, on every machine.
  const fixed = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--hard-dereference'];
  await mustRun('tar', [...fixed, '-C', directory, '-cf', staging, '.']);
  return adopt(staging);
}

export async function layerOfTar(tar: string): Promise<Layer> {
  const staging = path.join(cacheDir(), 'images', 'blobs', `.tar-${process.pid}`);
  await mkdir(path.dirname(staging), { recursive: true });
  await copyFile(tar, staging);
  return adopt(staging);
}

async function adopt(staging: string): Promise<Layer> {
  const digest = `sha256:${await fileHash(staging)}`;
  const { size } = await stat(staging);
  if (existsSync(blobPath(digest))) await rm(staging);
  else await rename(staging, blobPath(digest));
  return { digest, size };
}

async function putJson(value: unknown): Promise<Layer> {
  const bytes = Buffer.from(JSON.stringify(value));
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  await putBlob(digest, bytes);
  return { digest, size: bytes.length };
}

/** Never half there: the registry of another lab may be sending it at this moment. */
async function putBlob(digest: string, bytes: Buffer): Promise<void> {
  if (existsSync(blobPath(digest))) return;
  const staging = `${blobPath(digest)}.${process.pid}`;
  await writeFile(staging, bytes);
  await rename(staging, blobPath(digest));
}

/** Every blob of an image that another tool has written as an OCI layout. Returns the manifest's digest. */
export async function adoptLayout(layout: string): Promise<string> {
  const index = JSON.parse(await readFile(path.join(layout, 'index.json'), 'utf8')) as { manifests: Layer[] };
  const blobs = path.join(layout, 'blobs', 'sha256');
  for (const name of await readdir(blobs)) await putBlob(`sha256:${name}`, await readFile(path.join(blobs, name)));
  const [manifest, ...others] = index.manifests;
  if (manifest === undefined || others.length > 0)
    throw new Error(`reading the image in ${layout}: it has ${index.manifests.length} manifests, expected one`);
  return manifest.digest;
}

/** The other way: an image of the store as an OCI layout. */
export async function writeLayout(digest: string, layout: string): Promise<void> {
  const blobs = path.join(layout, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  const bytes = await readFile(blobPath(digest));
  const manifest = JSON.parse(bytes.toString('utf8')) as { config: Layer; layers: Layer[] };
  for (const blob of [digest, manifest.config.digest, ...manifest.layers.map((layer) => layer.digest)])
    await symlink(blobPath(blob), path.join(blobs, path.basename(blobPath(blob))));
  const entry = { mediaType: manifestType, digest, size: bytes.length };
  await writeFile(path.join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  await writeFile(path.join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
}

/** Stores an image and returns its manifest's digest. */
export async function putImage(layers: Layer[], settings: ImageSettings): Promise<string> {
  const config = await putJson({
    architecture: 'amd64',
    os: 'linux',
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...(settings.env ?? [])],
      ...(settings.entrypoint === undefined ? {} : { Entrypoint: settings.entrypoint }),
      ...(settings.cmd === undefined ? {} : { Cmd: settings.cmd }),
      ...(settings.user === undefined ? {} : { User: settings.user }),
      ...(settings.workingDir === undefined ? {} : { WorkingDir: settings.workingDir }),
    },
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.digest) },
    history: layers.map(() => ({ created_by: 'nightlift lab' })),
  });
  const manifest = await putJson({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: layers.map((layer) => ({ mediaType: layerType, ...layer })),
  });
  return manifest.digest;
}

/** Tags belong to one lab (`tags/<repository>/<tag>` holds a manifest's digest): an image can be missing in one only. */
export async function tagImage(tags: string, reference: string, digest: string): Promise<void> {
  const file = tagFile(tags, reference);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, digest);
}

export async function untagImage(tags: string, reference: string): Promise<boolean> {
  const file = tagFile(tags, reference);
  const there = existsSync(file);
  await rm(file, { force: true });
  return there;
}

/** Every tag of one repository is in the other, and in that alone. */
export async function moveImages(tags: string, from: string, to: string): Promise<void> {
  const [source, target] = [from, to].map((name) => path.dirname(tagFile(tags, `${name}:any`))) as [string, string];
  await mkdir(path.dirname(target), { recursive: true });
  await rename(source, target);
}

function tagFile(tags: string, reference: string): string {
  const match = /^(?:[a-z0-9.-]+\.[a-z]+(?::\d+)?\/)?([a-z0-9._/-]+):([\w.-]+)$/.exec(reference);
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new Error(`reading the image name "${reference}": expected [registry/]repository:tag`);
  }
  return path.join(tags, match[1], match[2]);
}

export async function readLayer(file: string): Promise<Layer | undefined> {
  if (!existsSync(file)) return undefined;
  const [digest, size] = (await readFile(file, 'utf8')).split(' ');
  if (digest === undefined || !existsSync(blobPath(digest))) return undefined;
  return { digest, size: Number(size) };
}
