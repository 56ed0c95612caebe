import { recordedPhase } from '../chain/recorded-phase.ts';
import { PHASES, type PhaseName, type Step } from '../chain/step.ts';
import { nonEmpty, readEnvironment } from '../environment.ts';
import { NightliftError } from '../errors.ts';
import { phaseOf } from '../phases/phases.ts';
import { versionFromUser } from '../version.ts';
import { type Call, EXIT } from './call/command.ts';
import { isJob, withJobSession } from './call/session.ts';

/** The step from the Job's environment, and nothing else from it. */
export function stepFromEnvironment(env: Readonly<Record<string, string | undefined>>): { step: Step; target: string } {
  const phase = PHASES.find((name): name is PhaseName => name === env['PHASE']);
  const remedy = 'The Job carries these in its env; `nightlift upgrade --to` creates the first one.';
  if (phase === undefined)
    throw new NightliftError('usage', `reading PHASE: "${env['PHASE'] ?? ''}" is none of ${PHASES.join(', ')}`, {
      remedy,
    });
  const target = versionFromUser(env['TARGET_VERSION'] ?? '', 'TARGET_VERSION');
  if (phase === 'preflight' || phase === 'postflight') return { step: { phase }, target };
  const node = nonEmpty(env['NODE_NAME']);
  if (node === undefined)
    throw new NightliftError('usage', `reading NODE_NAME: it is empty, and ${phase} needs the node to upgrade`, {
      remedy,
    });
  return { step: { phase, node }, target };
}

export async function run(call: Call): Promise<number> {
  if (!isJob(call))
    throw new NightliftError('usage', 'running a phase: this is no pod of the cluster, and a phase changes nodes', {
      remedy: 'nightlift upgrade --to X.Y.Z starts the chain, whose Jobs run the phases one after the other.',
    });
  const { step, target } = stepFromEnvironment(readEnvironment().env);
  return await withJobSession(call, 'phase', async ({ deps, requests }) => {
    const outcome = await recordedPhase(phaseOf(step.phase), step, target, deps, call.signal);
    deps.log.info('phase ends', {
      outcome: outcome.kind,
      ...(outcome.kind === 'advanced' ? { next: outcome.job } : {}),
      apiRequests: requests(),
    });
    call.output.json(outcome);
    return EXIT.done;
  });
}
