import type { Outcome } from '../chain/outcome.ts';
import { recordedPhase } from '../chain/recorded-phase.ts';
import { type Step, stepName } from '../chain/step.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Deps } from '../deps.ts';
import { createLog } from '../log.ts';
import { phaseOf } from '../phases/phases.ts';
import { type Call, EXIT } from './call/command.ts';
import type { Ended } from './follow-chain.ts';
import { printFinding } from './gate.ts';

/**
 * Developer switch: the phases one after the other in this process. Everything is as in the chain, but for the Jobs: a
 * cluster that takes them and runs none.
 */
export async function runHere(call: Call, deps: Deps, target: string): Promise<Ended> {
  const { output, signal } = call;
  const log = createLog({
    format: 'text',
    now: () => deps.clock.now(),
    write: (line) => (output.format !== 'text' ? output.note(line) : output.line(line)),
  });
  const settings = { ...deps.settings, job: { ...deps.settings.job, image: 'here' } };
  const here: Deps = { ...deps, log, settings, cluster: withoutJobs(deps.cluster) };
  let step: Step | undefined = { phase: 'preflight' };
  let outcome: Outcome | undefined;
  const started = deps.clock.now().getTime();
  while (step !== undefined) {
    output.line(`── ${stepName(step)}`);
    outcome = await recordedPhase(phaseOf(step.phase), step, target, here, signal);
    step = outcome.kind === 'advanced' ? outcome.next : undefined;
  }
  const seconds = Math.round((deps.clock.now().getTime() - started) / 1000);
  if (outcome?.kind === 'refused') for (const finding of outcome.findings) printFinding(output, finding);
  output.line(
    outcome?.kind === 'finished'
      ? `Done: all nodes are on ${target}, after ${seconds} s.`
      : `Ended: ${outcome?.kind ?? 'nothing was done'}.`,
  );
  const isDone = outcome?.kind === 'finished';
  return {
    code: isDone ? EXIT.done : EXIT.refused,
    said: { outcome: outcome?.kind, target, seconds },
    isReached: isDone,
  };
}

function withoutJobs(cluster: Cluster): Cluster {
  return {
    ...cluster,
    job: async (name, signal, namespace) =>
      namespace === undefined ? undefined : await cluster.job(name, signal, namespace),
    createJob: () => Promise.resolve('created'),
    deleteJob: async (name, signal, namespace) =>
      namespace === undefined ? undefined : await cluster.deleteJob(name, signal, namespace),
  };
}
