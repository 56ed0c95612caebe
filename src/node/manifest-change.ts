import { type ManifestFacts, manifestFacts } from './manifest-facts.ts';

/** One thing that a manifest says otherwise, or not any more. */
export interface ManifestChange {
  /** kube-apiserver, kube-controller-manager, kube-scheduler or etcd. */
  readonly component: string;
  /** As `manifestFacts` calls it. */
  readonly what: string;
  /** Absent for what is new. */
  readonly before?: string;
  /** Absent for what is gone. */
  readonly after?: string;
}

/** kubeadm writes them anew at every upgrade, and etcd reads them only where it has no data yet. */
const WITHOUT_EFFECT: readonly string[] = ['etcd --initial-cluster', 'etcd --initial-cluster-state'];

/** Everything in which two manifests of a component differ, but for the version of its image. @throws for what is no static pod. */
export function manifestChanges(component: string, before: string, after: string): readonly ManifestChange[] {
  const [old, fresh] = [manifestFacts(before, component), manifestFacts(after, component)];
  return [...new Set([...old.keys(), ...fresh.keys()])]
    .map((what) => ({ component, what, ...side('before', old, what), ...side('after', fresh, what) }))
    .filter((change) => change.before !== change.after && !isAnotherVersion(change))
    .filter(({ what }) => !isPartOfAnother(what, old, fresh) && !WITHOUT_EFFECT.includes(`${component} ${what}`));
}

function side(name: 'before' | 'after', facts: ManifestFacts, what: string): { before?: string; after?: string } {
  const value = facts.get(what);
  return value === undefined ? {} : { [name]: value };
}

/** The image of the component with another tag. One that was pinned by its digest, and is not any more, is a change. */
function isAnotherVersion({ what, before = '', after = '' }: ManifestChange): boolean {
  if (what !== 'image') return false;
  const [old, fresh] = [imageOf(before), imageOf(after)];
  return old.repository === fresh.repository && (!old.pinned || fresh.pinned);
}

function imageOf(image: string): { readonly repository: string; readonly pinned: boolean } {
  const [name = '', digest] = image.split('@');
  return { repository: name.replace(/:[^:/]*$/, ''), pinned: digest !== undefined };
}

/** Of a container that is only on one side, the container is named, and not each of its parts. */
function isPartOfAnother(what: string, old: ManifestFacts, fresh: ManifestFacts): boolean {
  const [container] = /^(?:initContainer|container) \S+(?= )/.exec(what) ?? [];
  return container !== undefined && old.has(container) !== fresh.has(container);
}

/** What is written in `kubeadm.expectedChanges` for a change. */
export function nameOfChange({ component, what }: ManifestChange): string {
  return `${component} ${what}`;
}

const LONGEST = 200;
const SECRET = /^(?:\S+ \S+ )?env \S*(?:pass|secret|token|key|credential)/i;

/** kube-apiserver --anonymous-auth: "false" → "true" */
export function sayChange(change: ManifestChange): string {
  const { before, after } = change;
  const value = (text: string): string => (SECRET.test(change.what) ? '"***"' : quoted(text));
  return `${nameOfChange(change)}: ${before === undefined ? 'not there' : value(before)} → ${after === undefined ? 'gone' : value(after)}`;
}

function quoted(text: string): string {
  const short = text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
  return text.startsWith('{') || text.startsWith('[') ? short : `"${short}"`;
}
