import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NightliftError } from '../errors.ts';
import { Settings } from '../settings/settings.ts';
import { type JobParameters, renderJobManifest } from './job-manifest.ts';

const TEMPLATE = readFileSync(new URL('../../templates/job.yaml', import.meta.url), 'utf8');
const SETTINGS = Settings.parse({
  namespace: 'upgrades',
  annotationPrefix: 'example.org',
  job: { deadlineSeconds: 7200, retries: 5 },
});
const WORKER: JobParameters = {
  step: { phase: 'worker', node: 'w1' },
  target: '1.36.4',
  name: 'k8s-upgrade-worker-1-36-4-w1',
  runner: 'cp1',
  image: 'nightlift:1',
};

function fault(template: string): NightliftError {
  try {
    renderJobManifest(template, WORKER, SETTINGS);
  } catch (error) {
    if (error instanceof NightliftError) return error;
    throw error;
  }
  throw new Error('it was rendered');
}

/** As far as a step is told apart from another. */
function podOf(parameters: JobParameters): unknown {
  const { spec } = renderJobManifest(TEMPLATE, parameters, SETTINGS);
  return (spec['template'] as { spec: unknown }).spec;
}

describe('the manifest of a Job', () => {
  it('carries the step, the target and the settings', () => {
    const { metadata, spec } = renderJobManifest(TEMPLATE, WORKER, SETTINGS);
    expect(metadata).toEqual({
      name: 'k8s-upgrade-worker-1-36-4-w1',
      namespace: 'upgrades',
      labels: { app: 'k8s-upgrade-chain', phase: 'worker', 'target-version': '1-36-4' },
      annotations: { 'example.org/target': '1.36.4', 'example.org/node': 'w1' },
    });
    expect(spec).toMatchObject({ activeDeadlineSeconds: 7200, backoffLimit: 5 });
    expect(podOf(WORKER)).toMatchObject({
      containers: [
        {
          image: 'nightlift:1',
          env: [
            { name: 'PHASE', value: 'worker' },
            { name: 'TARGET_VERSION', value: '1.36.4' },
            { name: 'NODE_NAME', value: 'w1' },
          ],
        },
      ],
    });
  });

  it('I01 is pinned to its runner by the name of the node', () => {
    expect(podOf(WORKER)).toMatchObject({
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['cp1'] }] }],
          },
        },
      },
    });
  });

  it('is pinned to no node without a runner, and names none when its step changes none', () => {
    const pod = podOf({
      ...WORKER,
      step: { phase: 'postflight' },
      name: 'k8s-upgrade-postflight-1-36-4',
      runner: undefined,
    });
    expect(pod).not.toHaveProperty('affinity');
    expect(pod).toMatchObject({
      containers: [{ env: [{ value: 'postflight' }, { value: '1.36.4' }, { name: 'NODE_NAME', value: '' }] }],
    });
  });
});

describe("an operator's template", () => {
  const edited = (from: string, to: string): string => {
    expect(TEMPLATE).toContain(from);
    return TEMPLATE.replace(from, to);
  };

  it.each<[string, () => string, string]>([
    [
      'another name',
      () => edited('name: {{jobName}}', 'name: mine'),
      'metadata.name is mine; it must stay {{jobName}}',
    ],
    [
      'another app',
      () => edited('app: k8s-upgrade-chain', 'app: mine'),
      'the label app must be k8s-upgrade-chain, and is mine',
    ],
    [
      'another phase',
      () => edited('phase: {{phase}}', 'phase: master'),
      'the label phase must be worker, and is master',
    ],
    [
      'no label of the target',
      () => edited('    target-version: {{targetLabel}}\n', ''),
      'the label target-version must be 1-36-4, and is missing',
    ],
    ['another kind', () => edited('kind: Job', 'kind: Pod'), '✖ Invalid input: expected "Job"\n  → at kind'],
    [
      'another API version',
      () => edited('apiVersion: batch/v1', 'apiVersion: batch/v2'),
      '✖ Invalid input: expected "batch/v1"\n  → at apiVersion',
    ],
  ])('is refused with %s', (_, template, problem) => {
    expect(fault(template())).toMatchObject({
      kind: 'config',
      message: `rendering templates/job.yaml (ConfigMap k8s-upgrade-job-template, key job-template.yaml) for k8s-upgrade-worker-1-36-4-w1: ${problem}`,
      remedy: 'Put the built-in template back (templates/job.yaml) and make the change again.',
    });
  });

  it('is refused when it is not YAML', () => {
    expect(fault(edited('metadata:', 'metadata: {')).message).toContain(': the result is not YAML: ');
    expect(fault(edited('apiVersion: batch/v1', 'apiVersion: *v1')).message).toContain(
      ': the result is not YAML: Unresolved alias',
    );
  });

  it('is refused with a variable that does not exist', () => {
    expect(fault(edited('{{jobName}}', '{{jobNam}}'))).toMatchObject({
      kind: 'config',
      message:
        'rendering templates/job.yaml (ConfigMap k8s-upgrade-job-template, key job-template.yaml): it names the variable "jobNam", which nobody gives',
    });
  });

  it('may add what it likes', () => {
    const template = edited('  ttlSecondsAfterFinished: 604800', '  ttlSecondsAfterFinished: 60');
    expect(renderJobManifest(template, WORKER, SETTINGS).spec['ttlSecondsAfterFinished']).toBe(60);
  });
});
