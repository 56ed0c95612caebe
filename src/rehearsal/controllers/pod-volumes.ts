import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Container, KeyToPath, Pod, Volume } from '../api/kinds.ts';
import { serviceAccounts } from '../api/resources.ts';
import type { Store } from '../api/store.ts';
import { configMapData, fieldValue, secretData } from './pod-environment.ts';
import { NotStartable } from './pod-runner.ts';

export const SERVICE_ACCOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const FILE_MODE = 0o644;

export interface PodVolumeOptions {
  readonly store: Store;
  readonly caPem: string;
  readonly tokenFor: (account: { readonly namespace: string; readonly name: string }) => string;
}

interface VolumeFile {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
}

/** Lays a container's volumes out under `root`, each file where the container would see it. */
export function layOutVolumes(root: string, container: Container, pod: Pod, options: PodVolumeOptions): void {
  const mounts = container.volumeMounts ?? [];
  mkdirSync(join(root, 'tmp'), { recursive: true });
  for (const { name, mountPath, subPath } of mounts) {
    const volume = pod.spec.volumes?.find((each) => each.name === name);
    if (volume === undefined) throw new NotStartable(`volume "${name}" of pod ${pod.metadata.name} does not exist`);
    const target = join(root, mountPath);
    for (const file of volumeFiles(volume, pod, options)) {
      if (subPath === undefined) write(join(target, file.path), file);
      else if (file.path === subPath) write(target, file);
    }
    if (subPath === undefined) mkdirSync(target, { recursive: true });
  }
  mountToken(root, container, pod, options);
}

export function removeVolumes(root: string): void {
  rmSync(root, { recursive: true, force: true });
}

function write(path: string, { content, mode }: VolumeFile): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  // The mode given to writeFile is cut by the umask.
  chmodSync(path, mode);
}

function volumeFiles({ configMap, secret, projected }: Volume, pod: Pod, options: PodVolumeOptions): VolumeFile[] {
  const { store } = options;
  if (configMap !== undefined) {
    return selected(
      configMapData(store, pod, configMap.name, configMap.optional),
      configMap.items,
      configMap.defaultMode,
    );
  }
  if (secret !== undefined) {
    return selected(secretData(store, pod, secret.secretName, secret.optional), secret.items, secret.defaultMode);
  }
  const mode = projected?.defaultMode ?? FILE_MODE;
  return (projected?.sources ?? []).flatMap((source) => {
    const files: VolumeFile[] = [];
    if (source.configMap !== undefined) files.push(...configMapFiles(pod, source.configMap, mode, options));
    if (source.secret !== undefined) {
      files.push(
        ...selected(secretData(store, pod, source.secret.name, source.secret.optional), source.secret.items, mode),
      );
    }
    if (source.serviceAccountToken !== undefined) {
      files.push({ path: source.serviceAccountToken.path, content: tokenOf(pod, options), mode });
    }
    for (const { path, fieldRef } of source.downwardAPI?.items ?? []) {
      if (fieldRef !== undefined) files.push({ path, content: fieldValue(store, pod, fieldRef.fieldPath), mode });
    }
    return files;
  });
}

/** `kube-root-ca.crt` is in every namespace of a real cluster. */
function configMapFiles(
  pod: Pod,
  { name, items, optional }: { name: string; items?: KeyToPath[]; optional?: boolean },
  mode: number,
  { store, caPem }: PodVolumeOptions,
): VolumeFile[] {
  const data = name === 'kube-root-ca.crt' ? { 'ca.crt': caPem } : configMapData(store, pod, name, optional);
  return selected(data, items, mode);
}

function selected(
  data: Record<string, string>,
  items: readonly KeyToPath[] | undefined,
  mode = FILE_MODE,
): VolumeFile[] {
  if (items === undefined) return Object.entries(data).map(([path, content]) => ({ path, content, mode }));
  return items.map((item) => {
    const content = data[item.key];
    if (content === undefined) throw new NotStartable(`references non-existent config key: ${item.key}`);
    return { path: item.path, content, mode: item.mode ?? mode };
  });
}

function tokenOf({ metadata, spec }: Pod, { tokenFor }: PodVolumeOptions): string {
  return tokenFor({ namespace: metadata.namespace ?? 'default', name: spec.serviceAccountName ?? 'default' });
}

/** The token that admission mounts into every pod that does not opt out. */
function mountToken(root: string, container: Container, pod: Pod, options: PodVolumeOptions): void {
  const { serviceAccountName = 'default', automountServiceAccountToken } = pod.spec;
  const account = options.store.get(serviceAccounts, serviceAccountName, pod.metadata.namespace);
  if ((automountServiceAccountToken ?? account?.automountServiceAccountToken) === false) return;
  if (container.volumeMounts?.some(({ mountPath }) => mountPath === SERVICE_ACCOUNT_PATH) === true) return;
  const directory = join(root, SERVICE_ACCOUNT_PATH);
  const files = {
    token: tokenOf(pod, options),
    'ca.crt': options.caPem,
    namespace: pod.metadata.namespace ?? 'default',
  };
  for (const [path, content] of Object.entries(files)) write(join(directory, path), { path, content, mode: FILE_MODE });
}
