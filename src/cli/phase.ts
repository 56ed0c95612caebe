import { nonEmpty, readEnvironment } from '../config.ts';
import { NightliftError, reasonOf } from '../errors.ts';
import { isWorthAnotherTry, runPhase } from '../phases/run-phase.ts';
import { PHASES, type PhaseName, type Step } from '../phases/step.ts';
import { versionFromUser } from '../version.ts';
import { type Call, EXIT } from './command.ts';
import { withJobSession } from './session.ts';

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
  const { step, target } = stepFromEnvironment(readEnvironment().env);
  return await withJobSession(call, 'phase', async ({ deps, requests }) => {
    try {
      const outcome = await runPhase(step, target, deps, call.signal);
      deps.log.info('phase ends', {
        outcome: outcome.kind,
        ...(outcome.kind === 'advanced' ? { next: outcome.job } : {}),
        apiRequests: requests(),
      });
      call.output.json(outcome);
      return EXIT.done;
    } catch (error) {
      if (!(error instanceof NightliftError)) throw error;
      deps.log.error(reasonOf(error), { remedy: error.remedy });
      // What may be over in a minute is left to the Job's own retries; what was understood is not tried again.
      return isWorthAnotherTry(error) ? EXIT.retry : error.exitCode;
    }
  });
}
