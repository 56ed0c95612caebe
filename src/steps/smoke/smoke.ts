import { isStepOfCanary } from '../../chain/canary.ts';
import { Refused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { recordRun } from '../../chain/run-record.ts';
import { NightliftError } from '../../errors.ts';
import { readRun } from '../../observe/run-record.ts';
import { someOf } from '../../some-of.ts';
import { claimsKeepData } from './claims.ts';
import { devicesRegistered } from './devices.ts';
import { nodesAreReady } from './nodes-ready-check.ts';
import { podsAreConnected, podsAreScheduled } from './pods.ts';
import type { SmokeCheck } from './smoke-check.ts';
import { targetsAreUp } from './targets.ts';
import { urlsAnswer } from './urls.ts';

const CHECKS: readonly SmokeCheck[] = [
  nodesAreReady,
  podsAreScheduled,
  podsAreConnected,
  claimsKeepData,
  urlsAnswer,
  devicesRegistered,
  targetsAreUp,
];

/** A look asks several services, each of which may hang for its own time. */
const LOOK_SECONDS = 120;

function wanted({ deps }: Context): readonly SmokeCheck[] {
  return CHECKS.filter((check) => check.isWanted(deps.settings));
}

/** What is to be as before is written down before the first change. A run that goes on keeps what it wrote at its beginning. */
export const noteForSmoke: ActionStep = {
  name: 'note-for-smoke',
  summary: 'record what the smoke tests compare with',
  skip: async (context) =>
    wanted(context).some(({ note }) => note !== undefined) ? undefined : 'no smoke test compares',
  async run(context) {
    const run = await readRun(context);
    for (const { note } of wanted(context)) {
      if (note !== undefined && run[note.key] === undefined)
        await recordRun(context, { [note.key]: await note.text(context) });
    }
  },
};

interface Failing {
  readonly check: SmokeCheck;
  readonly problems: readonly string[];
}

/** All that is wanted, until each was well once. @throws Refused with each that was not within `waits.readySeconds`. */
async function runSmoke(context: Context): Promise<void> {
  const { settings } = context.deps;
  const run = await readRun(context);
  let open = wanted(context);
  let failing: readonly Failing[] = [];
  try {
    await context.waiter.until(
      'the smoke tests',
      async (_, signal) => {
        const found: Failing[] = [];
        for (const check of open) {
          const problems = await problemsOf(check, { ...context, signal }, run);
          if (problems.length > 0) found.push({ check, problems });
        }
        failing = found;
        open = found.map(({ check }) => check);
        return found.length === 0
          ? { done: true, value: undefined }
          : { done: false, missing: found.map((one) => describe(one)).join('; ') };
      },
      { seconds: settings.waits.readySeconds, lookSeconds: LOOK_SECONDS, remedy: '' },
    );
  } catch (error) {
    if (!(error instanceof NightliftError) || error.kind !== 'timeout' || failing.length === 0) throw error;
    throw new Refused(
      failing.map((one) => ({
        check: 'smoke',
        reason: one.check.reason,
        class: 'actionable',
        severity: 'block',
        message: `waiting ${settings.waits.readySeconds} s until ${describe(one)}`,
        remedy: one.check.remedy,
      })),
    );
  } finally {
    for (const check of wanted(context)) await check.end?.(context);
  }
}

async function problemsOf(
  check: SmokeCheck,
  context: Context,
  run: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const before = check.note === undefined ? '' : run[check.note.key];
  // Wanted since the run began: what was is not known, and is no "nothing".
  if (before === undefined)
    return ['what there was before the run was not recorded; take the setting away until the next run'];
  return await check.look(context, before);
}

function describe({ check, problems }: Failing): string {
  return `${check.what}: ${someOf(problems)}`;
}

const NONE = 'no smoke test is in the settings';

export const smoke: ActionStep = {
  name: 'smoke',
  summary: 'the cluster does what the smoke tests of the settings ask',
  skip: async (context) => (wanted(context).length === 0 ? NONE : undefined),
  run: runSmoke,
};

/** The same, for one node; a canary is asked for it whatever `smoke.eachWorker` says. */
export const smokeOfWorker: ActionStep = {
  ...smoke,
  async skip(context) {
    if (wanted(context).length === 0) return NONE;
    if (context.deps.settings.smoke.eachWorker || (await isStepOfCanary(context))) return undefined;
    return 'smoke.eachWorker is off, and it is no canary';
  },
};
