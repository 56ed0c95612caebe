export interface DroppedFlag {
  /** kube-apiserver, kube-controller-manager or kube-scheduler. */
  readonly component: string;
  /** With its value: --authentication-config=/etc/kubernetes/auth.yaml */
  readonly flag: string;
}

/**
 * Flags that `kubeadm upgrade diff` takes away and does not give back under the same name: they stand in a manifest and
 * not in kubeadm-config (I18). A flag whose value changes is not dropped.
 */
export function droppedFlags(diff: string): readonly DroppedFlag[] {
  const dropped: DroppedFlag[] = [];
  // Each diff starts with "--- FILE"; what stands before the first is kubeadm's talk.
  for (const part of diff.split(/^--- (?=\S)/m).slice(1)) {
    const component = componentOf(/^\S*/.exec(part)?.[0] ?? '');
    const removed = [...part.matchAll(/^-\s*- (--[\w.-]+)(=.*)?$/gm)];
    const added = new Set([...part.matchAll(/^\+\s*- (--[\w.-]+)/gm)].map(([, name]) => name));
    for (const [, name = '', value = ''] of removed) {
      if (!added.has(name)) dropped.push({ component, flag: `${name}${value.trimEnd()}` });
    }
  }
  return dropped;
}

/** '/etc/kubernetes/manifests/kube-apiserver.yaml' → 'kube-apiserver'. */
function componentOf(file: string): string {
  const name = file.slice(file.lastIndexOf('/') + 1);
  const end = name.search(/\.ya?ml/);
  return end > 0 ? name.slice(0, end) : 'unknown';
}

/**
 * Whether `kubeadm upgrade plan vX.Y.Z` offers just that: by the line with the command to apply it, never by the titles,
 * which name the wrong series when a version was given. A control plane that is on the target already offers nothing (I13).
 */
export function planNamesTarget(plan: string, target: string): boolean {
  return plan.split('\n').some((line) => line.trim() === `kubeadm upgrade apply v${target}`);
}

/** Whether the plan says that the control plane is on the target: exit code 0 and nothing to apply. */
export function planIsUpToDate(plan: string, target: string): boolean {
  const running = /^\[upgrade\/versions\] Cluster version: v?(\S+)$/m.exec(plan)?.[1];
  return running === target && !/^\s*kubeadm upgrade apply v/m.test(plan);
}
