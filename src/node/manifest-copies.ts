import { NightliftError } from '../errors.ts';

/** What manifest-copies.sh says: manifests by component, before the upgrade and now. */
export interface ManifestCopies {
  readonly before: ReadonlyMap<string, string>;
  readonly now: ReadonlyMap<string, string>;
  /** What diff.sh had answered before; undefined when it was not asked on that node. */
  readonly promised: string | undefined;
}

const MANIFEST = /^nightlift-manifest\t(before|now) ([a-z-]+) ([A-Za-z0-9+/=]+)$/;
const PROMISED = /^nightlift-promised\t([A-Za-z0-9+/=]+)$/;

/** @throws NightliftError (node) for output that is not that of manifest-copies.sh, or half of it. */
export function parseManifestCopies(output: string): ManifestCopies {
  const copies = { before: new Map<string, string>(), now: new Map<string, string>() };
  let promised: string | undefined;
  let isWhole = false;
  for (const line of output.split('\n')) {
    const [, when, component = '', text = ''] = MANIFEST.exec(line) ?? [];
    if (when === 'before' || when === 'now') copies[when].set(component, decoded(text));
    const [, diff] = PROMISED.exec(line) ?? [];
    if (diff !== undefined) promised = decoded(diff);
    if (line === 'nightlift-manifests-end\tx') isWhole = true;
  }
  if (isWhole && copies.now.size > 0) return { ...copies, promised };
  throw new NightliftError(
    'node',
    `reading the manifests of the node: the answer is not complete: ${output.slice(-200).trim() || 'empty'}`,
    { remedy: 'See what manifest-copies.sh prints on the node, and what is in /etc/kubernetes/manifests there.' },
  );
}

function decoded(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8');
}
