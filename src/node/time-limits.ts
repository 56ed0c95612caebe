/**
 * How long a script that is asked over a connection may take on the node, in seconds. It is ended there, with all that it
 * has started, whether or not anybody is still connected. What takes longer is a unit of its own (DetachedCommand).
 */
const SECONDS: Readonly<Record<string, number>> = {
  // apt asks the repository; its own time-outs are in minutes.
  'list-releases': 600,
  // kubeadm gives up by itself after less.
  plan: 300,
  diff: 300,
  // Each API server in turn, and etcd.
  'control-plane-health': 300,
  // Tens of gigabytes on a slow disk (I17).
  'prune-backups': 600,
  // Of an operator.
  'run-script': 600,
};
const OTHERS_SECONDS = 120;

/** For whatever does not end when it is asked to. */
export const KILL_AFTER_SECONDS = 10;

export function timeLimitOf(script: string): number {
  return SECONDS[script] ?? OTHERS_SECONDS;
}
