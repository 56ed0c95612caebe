import { allChecks } from '../chain/checks.ts';
import { composeEvent } from '../chain/compose-event.ts';
import { ensureJob } from '../chain/ensure-job.ts';
import { mayGoOn } from '../chain/may-go-on.ts';
import { Paused, Refused } from '../chain/outcome.ts';
import { changeHistory, type Edit } from '../chain/run-history.ts';
import { NOT_STOPPED, recordRun, recordStop } from '../chain/run-record.ts';
import type { Deps } from '../deps.ts';
import { reasonOf } from '../errors.ts';
import type { Facts, JobFact } from '../facts/facts.ts';
import { isMarked, type Nodes } from '../facts/nodes.ts';
import { started } from '../facts/run-history.ts';
import { runningVersions } from '../facts/running-versions.ts';
import type { TargetChoice } from '../facts/target-choice.ts';
import { canAsk, gateChecks, partsFor } from '../gate/checks.ts';
import { evaluateGate, verdictOf } from '../gate/evaluate-gate.ts';
import type { Finding, Verdict } from '../gate/finding.ts';
import { gateOptions } from '../gate/gate-options.ts';
import { logFinding } from '../gate/log-finding.ts';
import { verdictGauges } from '../gate/verdict-gauges.ts';
import { clear, gauge, push, pushGauges } from '../metrics/gauges.ts';
import { announce } from '../notify/announce.ts';
import { hopsOfNight, NIGHT_HOPS, withHop } from '../observe/night-hops.ts';
import { observe } from '../observe/observe.ts';
import { NOT_BEGUN, readRun } from '../observe/run-record.ts';
import { unstageLeft } from '../steps/node/unstage.ts';
import { oldestVersion } from '../version.ts';
import { CHOICE_READS, chooseTarget } from './choose-target.ts';
import { settledJobs } from './closing-run.ts';
import { reconcileLatch } from './reconcile-latch.ts';
import { recordFirstSeen } from './record-first-seen.ts';
import { recordLimits } from './record-limits.ts';
import { unclosedVersion } from './unclosed-run.ts';

/** What one night's look came to. All of them are decisions; the CronJob's Job exits 0. */
export type Detection =
  | { readonly kind: 'paused'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string }
  | { readonly kind: 'nothing'; readonly running: string; readonly reason: string }
  | {
      readonly kind: 'refused';
      readonly target: string;
      readonly verdict: Exclude<Verdict, 'safe'>;
      readonly findings: readonly Finding[];
    }
  | { readonly kind: 'running'; readonly target: string; readonly job: string }
  | { readonly kind: 'dry-run'; readonly target: string }
  | { readonly kind: 'started'; readonly target: string; readonly job: string };

/** The nightly look: finds a target, asks the gate, starts the chain. Changes nothing when there is nothing to do. */
export async function detect(deps: Deps, signal: AbortSignal): Promise<Detection> {
  const { log } = deps;
  // A matrix that is lost is known tonight, and not on the night that has something to upgrade to.
  gateOptions(deps);
  const paused = await pausedNow(deps, signal);
  if (paused !== undefined) {
    await pushLastRun(deps, undefined, signal);
    await pushGauges({ deps, signal }, { k8s_upgrade_paused: 1 });
    return paused;
  }
  const { latch, target, jobs } = await reconcileLatch(deps, await settledJobs(deps, signal), signal);
  if (latch === 'waiting') await pushGauges({ deps, signal }, { k8s_upgrade_paused: 0 });
  const facts = await observe(deps, CHOICE_READS, signal);
  await remember(deps, facts, signal);
  await recordLimits(deps, signal);
  const choice = chooseTarget(facts, deps.settings.target);
  await pushLastRun(deps, choice, signal);
  log.info('looked for a new version', {
    found: choice.kind === 'target' ? choice.version : choice.kind,
    why: choice.why,
  });
  const active = jobs.find((job) => job.status === 'active');
  if (active !== undefined) return { kind: 'running', target: active.target, job: active.name };
  const unclosed = unclosedVersion(facts, target);
  if (unclosed !== undefined) return await close(deps, unclosed, jobs, signal);
  if (choice.kind === 'unknown') return { kind: 'unknown', reason: choice.why };
  if (choice.kind === 'target') return await gateAndStart(deps, choice.version, jobs, signal);
  const left =
    facts.nodes.known &&
    facts.nodes.value.some((node) => node.cordonedBy !== null || node.unfinished !== null || isMarked(node));
  if (latch !== 'none' || left) return await close(deps, choice.running, jobs, signal);
  await pushGauges({ deps, signal }, {}, verdictGauges([]));
  if (!deps.settings.dryRun && deps.inCluster) await unstageLeft({ deps, signal });
  return { kind: 'nothing', running: choice.running, reason: choice.why };
}

async function pausedNow(deps: Deps, signal: AbortSignal): Promise<Detection | undefined> {
  try {
    await mayGoOn(deps, signal);
    return undefined;
  } catch (error) {
    if (!(error instanceof Paused)) throw error;
    deps.log.warn('paused', { reason: error.message });
    return { kind: 'paused', reason: error.message };
  }
}

async function close(deps: Deps, target: string, jobs: readonly JobFact[], signal: AbortSignal): Promise<Detection> {
  deps.log.warn('a run reached its version and did not finish: closing it', { target });
  return await start(deps, target, jobs, [], signal);
}

/** The gate, then preflight under its one name. */
export async function gateAndStart(
  deps: Deps,
  target: string,
  jobs: readonly JobFact[],
  signal: AbortSignal,
): Promise<Detection> {
  // Who starts it from elsewhere has no key for the nodes, as a rule: preflight asks them before anything is changed.
  const asksNodes = deps.inCluster;
  const options = gateOptions(deps);
  const facts = await observe(
    deps,
    canAsk(asksNodes ? 'detector' : 'person without a key', partsFor(allChecks)),
    signal,
  );
  const result = evaluateGate(facts, target, allChecks, options);
  if (result.notAsked.length > 0)
    deps.log.info('some checks are left to preflight, which can ask them', {
      checks: result.notAsked.map(({ check }) => check).join(', '),
    });
  for (const finding of result.findings) if (finding.severity === 'warn') logFinding(deps.log, finding);
  if (result.verdict !== 'safe') return await refused(deps, target, result.findings, signal);
  // Nodes that were away were waited for meanwhile.
  const paused = asksNodes ? await pausedNow(deps, signal) : undefined;
  if (paused !== undefined) {
    await pushGauges({ deps, signal }, {}, verdictGauges(result.findings));
    return paused;
  }
  return await start(deps, target, jobs, result.findings, signal, await nightHopsWith(deps, target, facts, signal));
}

/** Noted before the first Job is there: a kill in between makes the night shorter, and never longer. */
async function nightHopsWith(
  deps: Deps,
  target: string,
  facts: Facts,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string | null>>> {
  if (deps.settings.target.hopsPerNight === 1) return { [NIGHT_HOPS]: null };
  const running = runningVersions(facts);
  const now = deps.clock.now();
  const before = hopsOfNight((await readRun({ deps, signal }))[NIGHT_HOPS], now.getTime());
  const hop = { from: running.known ? running.value.oldest : target, target, at: now.toISOString() };
  return { [NIGHT_HOPS]: withHop(before, hop) };
}

/**
 * Preflight under its one name, for whom the gate was asked already. It asks once more and has the last word of the night in the
 * gauges: a value of ours before it would only flap.
 */
export async function start(
  deps: Deps,
  target: string,
  jobs: readonly JobFact[],
  warnings: readonly Finding[],
  signal: AbortSignal,
  note: Readonly<Record<string, string | null>> = {},
): Promise<Detection> {
  if (deps.settings.dryRun) {
    await pushGauges({ deps, signal }, {}, verdictGauges(warnings));
    deps.log.info('dry run: nothing is started', { target });
    return { kind: 'dry-run', target };
  }
  const failed = jobs.filter((job) => job.status === 'failed');
  if (failed.length > 0)
    deps.log.warn('starting again after failed Jobs', { jobs: failed.map((job) => job.name).join(', ') });
  try {
    const nodes = await deps.cluster.nodes(signal);
    // Why an earlier run stopped must not be told as the reason of this one, which may be unable to write down its own.
    await recordRun({ deps, signal }, { ...NOT_STOPPED, ...note });
    // Before the Job, which would find no record and begin one.
    await recordStart(deps, target, nodes, warnings, signal);
    const ensured = await ensureJob(deps, { step: { phase: 'preflight' }, target, nodes, reached: false, signal });
    if (ensured.decision === 'leave') return { kind: 'running', target, job: ensured.name };
    if (ensured.decision === 'replace-failed')
      await announce(deps, composeEvent({ kind: 'restarted', target, job: ensured.name }), signal);
    return { kind: 'started', target, job: ensured.name };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { findings } = error;
    const endedAt = deps.clock.now().toISOString();
    const edit: Edit = (run) => ({ ...run, outcome: 'blocked', endedAt, findings: [...findings] });
    await changeHistory({ deps, signal }, target, edit);
    return await refused(deps, target, findings, signal);
  }
}

async function recordStart(
  deps: Deps,
  target: string,
  nodes: Nodes,
  findings: readonly Finding[],
  signal: AbortSignal,
): Promise<void> {
  const at = deps.clock.now().toISOString();
  const start = { at, by: deps.inCluster ? 'detector' : 'person', who: deps.identity } as const;
  const from = oldestVersion(nodes.map(({ kubelet }) => kubelet)) ?? null;
  await changeHistory(
    { deps, signal },
    target,
    (run) => ({ ...started(run, start, from), findings: [...findings] }),
    ({ outcome }) => outcome !== 'complete',
  );
}

async function refused(deps: Deps, target: string, all: readonly Finding[], signal: AbortSignal): Promise<Detection> {
  const findings = all.filter((finding) => finding.severity === 'block');
  for (const finding of findings) logFinding(deps.log, finding);
  const verdict = verdictOf(findings) === 'held' ? 'held' : 'blocked';
  // What the report cannot ask again, as it has no key for the nodes, and what may be gone by the morning.
  const ofTonight = findings.filter(({ check }) => !gateChecks.some(({ name }) => name === check));
  if (ofTonight.length > 0)
    await recordStop({ deps, signal }, `${NOT_BEGUN}${ofTonight.map(({ message }) => message).join('; ')}`);
  await pushGauges({ deps, signal }, {}, verdictGauges(all));
  return { kind: 'refused', target, verdict, findings };
}

async function remember(deps: Deps, facts: Facts, signal: AbortSignal): Promise<void> {
  if (!facts.firstSeen.known) return;
  const offered = [
    ...(facts.patchReleases.known ? facts.patchReleases.value.versions : []),
    ...(facts.nextMinorReleases.known ? (facts.nextMinorReleases.value?.versions ?? []) : []),
  ];
  try {
    await recordFirstSeen(deps, facts.firstSeen.value, offered, signal);
  } catch (error) {
    deps.log.warn('could not record when versions were first seen', { error: reasonOf(error) });
  }
}

/** One value per run, never a 1→0→1 flap: the group is replaced by what this run found. */
async function pushLastRun(deps: Deps, choice: TargetChoice | undefined, signal: AbortSignal): Promise<void> {
  // What an earlier night found must not stand beside tonight's time stamp: unknown is no gauge at all.
  if (choice === undefined || choice.kind === 'unknown') await clear({ deps, signal }, 'k8s-version-check');
  const now = Math.floor(deps.clock.now().getTime() / 1000);
  const available =
    choice === undefined || choice.kind === 'unknown'
      ? []
      : [
          choice.kind === 'target'
            ? gauge('k8s_upgrade_available', 1, { kind: choice.jump, running: choice.running, target: choice.version })
            : gauge('k8s_upgrade_available', 0, { kind: 'none', running: choice.running, target: '' }),
        ];
  await push({ deps, signal }, 'k8s-version-check', [...available, gauge('k8s_version_check_last_run_timestamp', now)]);
}
