import type { WorkloadFact } from '../facts/facts.ts';
import { prereleaseOf } from '../version.ts';
import type { Addon } from './addon-matrix.ts';

/** An addon in a workload; `version` is undefined when no image tag says it, and has a suffix ('3.32.0-rc.1') before its release. */
export interface RunningAddon {
  readonly addon: Addon;
  readonly workload: WorkloadFact;
  readonly version: string | undefined;
}

interface Image {
  /** With registry, without tag and digest. */
  readonly path: string;
  readonly tag: string | undefined;
}

/** 'registry:5000/a/b:v1.2@sha256:…' → path 'registry:5000/a/b', tag 'v1.2'. */
function parseImage(image: string): Image {
  const [name = ''] = image.split('@');
  const colon = name.lastIndexOf(':');
  // A colon before the last slash belongs to the registry's port.
  return colon > name.lastIndexOf('/')
    ? { path: name.slice(0, colon), tag: name.slice(colon + 1) }
    : { path: name, tag: undefined };
}

/** Tags as makers write them: 'v3.30.1', '1.15', 'stable-2.14.10', 'edge-25.8.1', 'v4.2.0-debian-12-r1', 'v3.32.0-rc.1'. */
function versionOf(tag: string | undefined): string | undefined {
  const [, version, rest = ''] =
    /^(?:stable-|edge-|enterprise-)?v?(\d+\.\d+(?:\.\d+)?)(?![\d.])(.*)$/.exec(tag ?? '') ?? [];
  return version === undefined ? undefined : version + prereleaseOf(rest);
}

function matchesPath(path: string, pattern: string): boolean {
  const source = pattern
    .split('*')
    .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^/]*');
  return new RegExp(`(?:^|/)${source}$`).test(path);
}

/**
 * Finds an addon by kind and image, wherever it was mirrored to; else by the workload's name, since a mirror may rename
 * the image. Undefined when the workload is not this addon.
 */
export function recognize(addon: Addon, workload: WorkloadFact): RunningAddon | undefined {
  if (!addon.kinds.includes(workload.kind)) return undefined;
  const images = workload.images.map((image) => parseImage(image));
  const own = images.filter((image) => addon.images.some((pattern) => matchesPath(image.path, pattern)));
  if (own.length > 0) {
    const version = own.map((image) => versionOf(image.tag)).find((tag) => tag !== undefined);
    return { addon, workload, version };
  }
  if (!addon.workloads.includes(workload.name) && !addon.workloads.includes(`${workload.namespace}/${workload.name}`))
    return undefined;
  const [only, ...others] = images;
  return { addon, workload, version: others.length === 0 ? versionOf(only?.tag) : undefined };
}
