import type { Deps } from '../deps.ts';
import { NightliftError } from '../errors.ts';
import type { JobFact } from '../facts/facts.ts';
import { firstControlPlane, type Nodes } from '../facts/nodes.ts';
import { drainRule } from '../gate/drain-rule.ts';
import { renderJobManifest } from './job-manifest.ts';
import { Refused } from './outcome.ts';
import { drainsNode } from './placed-steps.ts';
import { placement } from './placement.ts';
import { noNodeFinding } from './places.ts';
import { jobName, nodeOf, type Step } from './step.ts';

export type JobDecision = 'create' | 'leave' | 'replace-failed' | 'replace-stale';

/**
 * What to do about the Job of a step that is still to be done. A complete Job is believed only when the cluster shows
 * what it should have reached (D20); a failed one is always replaced (I08).
 */
export function decideJob(existing: JobFact | undefined, reached: boolean): JobDecision {
  if (existing === undefined) return 'create';
  switch (existing.status) {
    case 'active':
      return 'leave';
    case 'failed':
      return 'replace-failed';
    case 'complete':
      return reached ? 'leave' : 'replace-stale';
    case 'deleting':
      return 'replace-stale';
  }
}

export interface EnsuredJob {
  readonly name: string;
  readonly decision: JobDecision;
}

export interface EnsureOptions {
  readonly step: Step;
  readonly target: string;
  readonly nodes: Nodes;
  /** True when the cluster already shows what the step should reach. */
  readonly reached: boolean;
  readonly signal: AbortSignal;
}

/** Makes sure that the Job of a step exists, under its one name. @throws Refused when no node can run it (I20). */
export async function ensureJob(deps: Deps, options: EnsureOptions): Promise<EnsuredJob> {
  const { step, target, nodes, signal } = options;
  const name = jobName(step, target, firstControlPlane(nodes));
  const existing = await deps.cluster.job(name, signal);
  const decision = decideJob(existing, options.reached);
  if (decision === 'leave') return { name, decision };
  const own = nodes.find(({ name: one }) => one === nodeOf(step));
  const place = placement(step, nodes, target, drainsNode(own, nodes, target, drainRule(deps.settings)));
  if (place.kind === 'none') throw new Refused([noNodeFinding(step, place)]);
  const runner = place.kind === 'node' ? place.node : undefined;
  const manifest = renderJobManifest(
    deps.templates.job(),
    { step, target, name, runner, image: await jobImage(deps, signal) },
    deps.settings,
  );
  if (decision !== 'create') {
    deps.log[decision === 'replace-failed' ? 'warn' : 'info']('replacing a Job of an earlier run', {
      job: name,
      because: decision,
    });
    // Two detections at once: the Job that the other one has made by now is left alone.
    await deps.cluster.deleteJob(name, signal, undefined, existing?.createdAt);
  }
  const created = await deps.cluster.createJob(manifest, signal);
  deps.log.info(created === 'created' ? 'created Job' : 'Job was created by somebody else meanwhile', {
    job: name,
    runner: runner ?? 'anywhere',
    why: place.why,
  });
  return { name, decision };
}

/** Detector and chain are the same program: without a setting the chain runs the detector's image. */
export async function jobImage(deps: Deps, signal: AbortSignal): Promise<string> {
  const { settings } = deps;
  if (settings.job.image !== '') return settings.job.image;
  const detector = await deps.cluster.cronJob(settings.namespace, 'k8s-version-check', signal);
  if (detector !== undefined) return detector.image;
  throw new NightliftError(
    'config',
    `choosing the image of the chain's Jobs: there is neither the setting job.image nor a CronJob ${settings.namespace}/k8s-version-check`,
    {
      remedy: 'Install the CronJob (deploy/ or terraform/), or set job.image.',
    },
  );
}
