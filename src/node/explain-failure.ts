import { EXIT_CODES } from './exit-codes.ts';
import { AGAIN, type FailureExplanation } from './failure-explanation.ts';
import { KUBEADM_RULES, OUTPUT_RULES } from './output-rules.ts';

/** What `followDetached` notes at the end of the output of a command that systemd's service result says so of. */
export const OUT_OF_MEMORY = 'the node ran out of memory';

/**
 * What the end of a node script means; pure. A script's own last lines ("nightlift: failed", "nightlift: what to do")
 * count before the table, kubeadm's words before its exit code.
 */
export function explainFailure(script: string, exitCode: number, tail: string): FailureExplanation {
  const said = /^nightlift: failed: (.*\S.*)$/m.exec(tail)?.[1];
  const advice = /^nightlift: what to do: (.*\S.*)$/m.exec(tail)?.[1];
  if (exitCode === 137 && tail.includes(OUT_OF_MEMORY)) {
    return {
      reason: 'OutOfMemory',
      message: 'the node ran out of memory, and it was killed',
      remedy: `Free memory on the node, or give it more: dmesg names who used it. ${AGAIN}`,
    };
  }
  const known = EXIT_CODES[exitCode];
  const vague = known === undefined || exitCode === 17;
  const asKubeadm = exitCode === 20 || ((script === 'plan' || script === 'diff') && known === undefined);
  const rules = asKubeadm ? KUBEADM_RULES : vague ? OUTPUT_RULES : [];
  // klog's lines are full of refused connections also when all goes well.
  const words = tail.replaceAll(/^[WEI]\d{4} .*$/gm, '');
  for (const { pattern, reason, message, remedy } of rules) {
    const match = pattern.exec(words);
    if (match !== null) return { reason, message: typeof message === 'string' ? message : message(match), remedy };
  }
  if (known !== undefined)
    return { reason: known.reason, message: said ?? known.message, remedy: advice ?? known.remedy };
  const last = tail.trimEnd().split('\n').at(-1)?.trim();
  return {
    reason: 'ScriptFailed',
    message: said ?? (last === undefined || last === '' ? `${script}.sh printed nothing` : last),
    remedy: advice ?? `Run ${script}.sh by hand on the node to see more. ${AGAIN}`,
  };
}
