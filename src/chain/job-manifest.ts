import { z } from 'zod';
import type { JobManifest } from '../cluster/cluster.ts';
import { NightliftError } from '../errors.ts';
import { readYaml } from '../read-yaml.ts';
import { renderStrict } from '../render.ts';
import type { Settings } from '../settings/settings.ts';
import { versionLabel } from '../version.ts';
import { logsIn, nodeOf, type Step } from './step.ts';

const Rendered = z.looseObject({
  apiVersion: z.literal('batch/v1'),
  kind: z.literal('Job'),
  metadata: z.looseObject({ name: z.string(), labels: z.record(z.string(), z.string()) }),
  spec: z.record(z.string(), z.unknown()),
});

const WHAT = 'templates/job.yaml (ConfigMap k8s-upgrade-job-template, key job-template.yaml)';

export interface JobParameters {
  readonly step: Step;
  readonly target: string;
  readonly name: string;
  /** undefined: not pinned. */
  readonly runner: string | undefined;
  readonly image: string;
}

/**
 * Renders the one template. What an operator must not change (name, labels) is checked, so that a broken edit is told
 * here and not found out by a chain that lost its next link. @throws NightliftError (config).
 */
export function renderJobManifest(template: string, parameters: JobParameters, settings: Settings): JobManifest {
  const { step, target } = parameters;
  const text = renderStrict(
    template,
    {
      jobName: parameters.name,
      namespace: settings.namespace,
      phase: step.phase,
      targetVersion: target,
      targetLabel: versionLabel(target),
      nodeName: nodeOf(step) ?? '',
      runner: parameters.runner ?? '',
      logsIn: logsIn(step),
      image: parameters.image,
      deadlineSeconds: settings.job.deadlineSeconds,
      retries: settings.job.retries,
      targetKey: `${settings.annotationPrefix}/target`,
      nodeKey: `${settings.annotationPrefix}/node`,
    },
    'yaml',
    WHAT,
  );
  const { content, problem } = readYaml(text);
  const fail = (problem: string): never => {
    throw new NightliftError('config', `rendering ${WHAT} for ${parameters.name}: ${problem}`, {
      remedy: 'Put the built-in template back (templates/job.yaml) and make the change again.',
    });
  };
  if (problem !== undefined) return fail(`the result is not YAML: ${problem}`);
  const result = Rendered.safeParse(content);
  if (!result.success) return fail(z.prettifyError(result.error));
  const { metadata } = result.data;
  if (metadata.name !== parameters.name) fail(`metadata.name is ${metadata.name}; it must stay {{jobName}}`);
  for (const [label, value] of Object.entries({
    app: 'k8s-upgrade-chain',
    phase: step.phase,
    'target-version': versionLabel(target),
  })) {
    if (metadata.labels[label] !== value)
      fail(`the label ${label} must be ${value}, and is ${metadata.labels[label] ?? 'missing'}`);
  }
  return result.data;
}
