import { NightliftError, reasonOf } from '../errors.ts';
import { oneLine } from '../plain-text.ts';
import { type ManifestChange, manifestChanges } from './manifest-change.ts';
import { manifestFacts } from './manifest-facts.ts';

/** What diff.sh says of a control plane. */
export interface UpgradeDiff {
  /** What kubeadm would change, patches left out: `kubeadm upgrade diff` knows no --patches. */
  readonly changes: readonly ManifestChange[];
  /** Components for which patches lie on the node, so that a change of theirs may be put back in the same upgrade. */
  readonly patched: ReadonlySet<string>;
  /** Where it has a manifest: why it is not known what would change there; undefined when that is among the changes, or was not asked. */
  readonly etcdUnknown?: string;
  readonly etcdShown: boolean;
}

/** Those that `kubeadm upgrade diff` shows, in every version until 1.37. etcd is none of them, and diff.sh shows it. */
const SHOWN = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

/**
 * Reads the whole manifests on both sides of a diff that was made with all lines of context. A control plane that is not
 * on the target has another image in each of the three: an answer that does not show that is none.
 * @throws NightliftError (node) for an answer that is empty, half, or something else.
 */
export function parseUpgradeDiff(output: string, target: string, doing: string): UpgradeDiff {
  const unreadable = (why: string): NightliftError => notADiff(doing, why, output);
  const lines = output.split('\n');
  const files = filesOf(lines, unreadable);
  const changes = files.flatMap(({ component, before, after }) => {
    try {
      return manifestChanges(component, before, after);
    } catch (error) {
      throw unreadable(`${component}.yaml cannot be read: ${reasonOf(error)}`);
    }
  });
  for (const component of SHOWN) {
    const shown = files.filter((file) => file.component === component);
    if (shown.length !== 1) throw unreadable(`it shows ${component}.yaml ${shown.length} times`);
    const image = manifestFacts(shown[0]?.after ?? '', component).get('image') ?? 'none';
    if (!image.endsWith(`/${component}:v${target}`))
      throw unreadable(`the new image of ${component} would be ${image}`);
  }
  const etcd = etcdIn(lines, unreadable);
  const patched = patchedIn(lines);
  if (etcd === undefined) return { changes, patched, etcdShown: false };
  if (typeof etcd === 'string') return { changes, patched, etcdShown: false, etcdUnknown: etcd };
  // Its patches are in it already.
  const others = new Set([...patched].filter((component) => component !== 'etcd'));
  return { changes: [...etcd, ...changes], patched: others, etcdShown: true };
}

/** What would change in the manifest of etcd, or why that is not known; undefined where nobody asked. */
function etcdIn(
  lines: readonly string[],
  unreadable: (why: string) => NightliftError,
): readonly ManifestChange[] | string | undefined {
  const [why] = lines.flatMap((line) => (line.startsWith(ETCD_UNKNOWN) ? [line.slice(ETCD_UNKNOWN.length)] : []));
  if (why !== undefined) return oneLine(why).trim();
  const shown = lines.find((line) => line.startsWith(ETCD));
  if (shown === undefined) return undefined;
  const [before = '', after = ''] = shown
    .slice(ETCD.length)
    .split(' ')
    .map((text) => Buffer.from(text, 'base64').toString('utf8'));
  try {
    return manifestChanges('etcd', before, after);
  } catch (error) {
    throw unreadable(`etcd.yaml cannot be read: ${reasonOf(error)}`);
  }
}

function patchedIn(lines: readonly string[]): ReadonlySet<string> {
  const names = lines.filter((line) => line.startsWith(PATCH)).map((line) => line.slice(PATCH.length));
  return new Set([...SHOWN, 'etcd'].filter((component) => names.some((name) => name.startsWith(component))));
}

const PATCH = 'nightlift-patch\t';
const ETCD = 'nightlift-etcd\t';
const ETCD_UNKNOWN = 'nightlift-etcd-unknown\t';
const FILE = /^--- \S*?([^/\s]+)\.yaml(?:\s|$)/;
const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

interface ShownFile {
  readonly component: string;
  readonly before: string;
  readonly after: string;
}

function filesOf(lines: readonly string[], unreadable: (why: string) => NightliftError): readonly ShownFile[] {
  const files: ShownFile[] = [];
  for (let at = 0; at < lines.length; ) {
    const component = FILE.exec(lines[at] ?? '')?.[1];
    // What stands between the files is kubeadm's talk.
    if (component === undefined) {
      if (HUNK.test(lines[at] ?? '')) throw unreadable('it does not show the whole of a manifest');
      at += 1;
      continue;
    }
    const hunk = HUNK.exec(lines[at + 2] ?? '');
    if (hunk === null || !(lines[at + 1] ?? '').startsWith('+++ ')) throw unreadable(`it ends in ${component}.yaml`);
    const [, oldStart, oldCount = '1', newStart, newCount = '1'] = hunk;
    if (oldStart !== '1' || newStart !== '1') throw unreadable(`it does not show the whole of ${component}.yaml`);
    const sides = { '-': [] as string[], '+': [] as string[] };
    at += 3;
    while (sides['-'].length < Number(oldCount) || sides['+'].length < Number(newCount)) {
      const line = lines[at];
      const sign = line?.[0] ?? '';
      if (line === undefined || !' -+'.includes(sign) || sign === '') throw unreadable(`it ends in ${component}.yaml`);
      if (sign !== '+') sides['-'].push(line.slice(1));
      if (sign !== '-') sides['+'].push(line.slice(1));
      at += 1;
    }
    files.push({ component, before: sides['-'].join('\n'), after: sides['+'].join('\n') });
  }
  return files;
}

function notADiff(doing: string, why: string, output: string): NightliftError {
  const end = output.trimEnd().split('\n').slice(-3).join(' | ').slice(-300);
  return new NightliftError(
    'node',
    `${doing}: what would change in the manifests is not known: ${why}; the answer ended with: ${end || 'nothing'}`,
    { remedy: 'Ask kubeadm there yourself (sudo kubeadm upgrade diff, with the version), and see what it says.' },
  );
}
