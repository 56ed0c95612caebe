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
