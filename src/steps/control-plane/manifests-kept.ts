import { Refused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { reasonOf } from '../../errors.ts';
import { type ManifestChange, manifestChanges, nameOfChange, sayChange } from '../../node/manifest-change.ts';
import { type ManifestCopies, parseManifestCopies } from '../../node/manifest-copies.ts';
import { scriptsOf } from '../../node/node-scripts.ts';
import { runOnNode } from '../../node/run-on-node.ts';
import { parseUpgradeDiff } from '../../node/upgrade-diff.ts';
import { findingOf, type ManifestFinding, say } from './manifest-finding.ts';

/**
 * What the manifests say after the upgrade, against the copies of before and against what kubeadm had said that it would
 * change. Both lie on the node, so that whichever Job comes here finds them.
 */
export const manifestsKept: ActionStep = {
  name: 'manifests-kept',
  summary: 'nothing is gone from the manifests of the control plane that was to stay',
  async run(context) {
    const { deps, target } = context;
    const node = await context.node();
    const script = scriptsOf(deps).manifestCopies({ target });
    const copies = parseManifestCopies(
      await context.waiter.during((given) => runOnNode(deps, node, script, 'reading the manifests', given)),
    );
    const { told, lost, unknown, etcdShown } = compare(copies, target, deps.settings);
    if (told.length > 0)
      deps.log.info(`changed in the manifests as was said before: ${told.map(sayChange).join('; ')}`, {
        node: node.name,
      });
    if (unknown.length > 0) await say(context, notCompared(node.name, target, unknown));
    if (lost.length === 0) return;
    // Where it was not known beforehand, nobody could have named what kubeadm changes in etcd's by itself.
    const named = lost.some(({ component }) => component !== 'etcd' || etcdShown);
    const stops = named && deps.settings.kubeadm.droppedFlags === 'block';
    const found = changed(node.name, target, lost, stops ? 'block' : 'warn');
    if (stops) throw new Refused([findingOf(found)]);
    await say(context, found);
  },
};

interface Compared {
  /** As diff.sh had shown them. */
  readonly told: readonly ManifestChange[];
  readonly lost: readonly ManifestChange[];
  /** What could not be compared, and why. */
  readonly unknown: readonly string[];
  /** Whether what would change in etcd's manifest was known beforehand. */
  readonly etcdShown: boolean;
}

type CompareSettings = Pick<Context['deps']['settings'], 'kubeadm' | 'oidcRestore'>;

const SIGN_ON = 'kube-apiserver --authentication-config';

/** Pure. */
function compare(copies: ManifestCopies, target: string, { kubeadm, oidcRestore }: CompareSettings): Compared {
  const [told, lost, unknown]: [ManifestChange[], ManifestChange[], string[]] = [[], [], []];
  const { promised, etcdShown } = promisedIn(copies.promised, target);
  for (const component of [...new Set([...copies.now.keys(), ...copies.before.keys()])].toSorted()) {
    const [before, now] = [copies.before.get(component), copies.now.get(component)];
    if (before === undefined || now === undefined) {
      unknown.push(`${component}: there is no ${before === undefined ? 'copy of before' : 'manifest any more'}`);
      continue;
    }
    try {
      for (const change of manifestChanges(component, before, now)) {
        const isGone = nameOfChange(change) === SIGN_ON && change.after === undefined;
        // With a restore script, being gone is what was not to be.
        if (kubeadm.expectedChanges.includes(nameOfChange(change)) && !(isGone && oidcRestore.sha256 !== '')) continue;
        (promised.has(keyOf(change)) && !isGone ? told : lost).push(change);
      }
    } catch (error) {
      unknown.push(`${component}: ${reasonOf(error)}`);
    }
  }
  return { told, lost, unknown, etcdShown };
}

/** What a patch was to put back is promised to nobody. */
function promisedIn(
  diff: string | undefined,
  target: string,
): { readonly promised: ReadonlySet<string>; readonly etcdShown: boolean } {
  const nothing = { promised: new Set<string>(), etcdShown: false };
  if (diff === undefined) return nothing;
  try {
    const { changes, patched, etcdShown } = parseUpgradeDiff(diff, target, 'the diff of before');
    const promised = new Set(changes.filter(({ component }) => !patched.has(component)).map(keyOf));
    return { promised, etcdShown };
  } catch {
    // As if it had never been asked: then every change is named.
    return nothing;
  }
}

function keyOf(change: ManifestChange): string {
  return JSON.stringify([nameOfChange(change), change.after ?? null]);
}

function changed(
  node: string,
  target: string,
  lost: readonly ManifestChange[],
  severity: ManifestFinding['severity'],
): ManifestFinding {
  const isSignOn = lost.some((change) => nameOfChange(change) === SIGN_ON && change.after === undefined);
  return {
    check: 'manifests-kept',
    reason: 'ManifestValuesLost',
    severity,
    headline: `The upgrade of ${node} to ${target} has changed in its manifests what was to stay${isSignOn ? ' (single sign-on may be broken)' : ''}`,
    lines: lost.map(sayChange),
    remedy: `On ${node}: sudo diff -r /var/lib/nightlift/stage/${target}/manifests-before /etc/kubernetes/manifests. Put back what is missing, there and in kubeadm-config; name what may change in kubeadm.expectedChanges.`,
  };
}

function notCompared(node: string, target: string, unknown: readonly string[]): ManifestFinding {
  return {
    check: 'manifests-kept',
    reason: 'ManifestsNotCompared',
    severity: 'warn',
    headline: `After the upgrade of ${node} to ${target} it is not known whether its manifests say what they said before`,
    lines: unknown,
    remedy: `On ${node}, compare /etc/kubernetes/manifests with the copies of kubeadm in /etc/kubernetes/tmp/kubeadm-backup-manifests-*.`,
  };
}
