import { sameJson } from './json.ts';
import type { CronJob, Job, Lease, ObjectMeta, Pod, PodTemplate } from './kinds.ts';
import type { FieldError, Resource } from './resource.ts';
import { badRequest } from './status-error.ts';

/** Validation in the words of the real server (apimachinery `pkg/util/validation`, `pkg/apis/*`/validation`). */

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED})?`;
const LABEL_MAX = 63;
const SUBDOMAIN_MAX = 253;
const CRON_JOB_NAME_MAX = 52;

const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end " +
  `with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`;
const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an " +
  `alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL}')`;
const LABEL_VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with " +
  `an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '${LABEL_VALUE}')`;
const QUALIFIED_RULE =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
  `(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${QUALIFIED}')`;

function invalidValue(field: string, value: string, rule: string): FieldError {
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(value)}: ${rule}` };
}

function matches(pattern: string, value: string): boolean {
  return new RegExp(`^${pattern}$`).test(value);
}

function tooLong(max: number): string {
  return `must be no more than ${max} bytes`;
}

export function validateMeta(resource: Resource, meta: ObjectMeta): FieldError[] {
  const annotations = Object.fromEntries(Object.keys(meta.annotations ?? {}).map((key) => [key.toLowerCase(), '']));
  return [
    ...validateName(resource, meta.name),
    ...validateLabels('metadata.labels', meta.labels),
    ...validateLabels('metadata.annotations', annotations),
  ];
}

function validateName(resource: Resource, name: string): FieldError[] {
  const field = 'metadata.name';
  if (resource.looseNames === true) {
    return /^\.{1,2}$|[/%]/.test(name) ? [invalidValue(field, name, "may not contain '/'")] : [];
  }
  const [pattern, rule, max] =
    resource.labelNames === true ? [LABEL, LABEL_RULE, LABEL_MAX] : [SUBDOMAIN, SUBDOMAIN_RULE, SUBDOMAIN_MAX];
  const errors: FieldError[] = [];
  if (name.length > max) errors.push(invalidValue(field, name, tooLong(max)));
  if (!matches(pattern, name)) errors.push(invalidValue(field, name, rule));
  return errors;
}

export function validateLabels(field: string, labels: Record<string, string> | undefined): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    const name = key.slice(key.indexOf('/') + 1);
    if (name.length > LABEL_MAX) errors.push(invalidValue(field, key, `name part ${tooLong(LABEL_MAX)}`));
    if (!matches(QUALIFIED, name)) errors.push(invalidValue(field, key, QUALIFIED_RULE));
    if (typeof value !== 'string') continue;
    if (value.length > LABEL_MAX) errors.push(invalidValue(field, value, tooLong(LABEL_MAX)));
    else if (!matches(LABEL_VALUE, value)) errors.push(invalidValue(field, value, LABEL_VALUE_RULE));
  }
  return errors;
}

function validateTemplate(field: string, template: PodTemplate | undefined): FieldError[] {
  const containers = template?.spec?.containers ?? [];
  const errors = validateLabels(`${field}.metadata.labels`, template?.metadata?.labels);
  if (containers.length === 0) {
    errors.push({ reason: 'FieldValueRequired', field: `${field}.spec.containers`, message: 'Required value' });
  }
  return errors;
}

export function validateJob(job: Job, previous: Job | undefined): FieldError[] {
  const generated = ['batch.kubernetes.io/job-name', 'job-name'];
  const { labels } = job.spec.template.metadata ?? {};
  const given = Object.fromEntries(Object.entries(labels ?? {}).filter(([key]) => !generated.includes(key)));
  const errors = validateTemplate('spec.template', { ...job.spec.template, metadata: { labels: given } });
  // Its name becomes a label of its pods.
  if (job.metadata.name.length > LABEL_MAX && job.spec.manualSelector !== true) {
    const error = invalidValue('spec.template.labels', job.metadata.name, tooLong(LABEL_MAX));
    errors.unshift(error, error);
  }
  const policy = job.spec.template.spec?.restartPolicy;
  if (policy !== 'Never' && policy !== 'OnFailure') {
    const message = 'Required value: valid values: "OnFailure", "Never"';
    errors.push({ reason: 'FieldValueRequired', field: 'spec.template.spec.restartPolicy', message });
  }
  if (previous !== undefined) {
    if (!previous.spec.suspend || !job.spec.suspend) errors.push(...immutable('template', job, previous));
    errors.push(...immutable('selector', job, previous));
  }
  return errors;
}

function immutable(field: 'template' | 'selector', job: Job, previous: Job): FieldError[] {
  if (sameJson(job.spec[field], previous.spec[field])) return [];
  const value = JSON.stringify(job.spec[field]);
  return [
    {
      reason: 'FieldValueInvalid',
      field: `spec.${field}`,
      message: `Invalid value: ${value}: field is immutable`,
    },
  ];
}

export function validateCronJob(cronJob: CronJob): FieldError[] {
  const errors = validateTemplate('spec.jobTemplate.spec.template', cronJob.spec.jobTemplate?.spec?.template);
  if (cronJob.metadata.name.length > CRON_JOB_NAME_MAX) {
    const rule = `must be no more than ${CRON_JOB_NAME_MAX} characters`;
    errors.unshift(invalidValue('metadata.name', cronJob.metadata.name, rule));
  }
  return errors;
}

const POD_RULE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
  '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` ' +
  '(allow it to be set to 1 if it was previously negative)';

export function validatePod(pod: Pod, previous: Pod | undefined): FieldError[] {
  if (previous === undefined) {
    if (pod.spec.containers.length > 0) return [];
    return [{ reason: 'FieldValueRequired', field: 'spec.containers', message: 'Required value' }];
  }
  if (sameJson(fixedPart(pod), fixedPart(previous))) return [];
  return [{ reason: 'FieldValueForbidden', field: 'spec', message: `Forbidden: ${POD_RULE}` }];
}

function fixedPart(pod: Pod): unknown {
  const { tolerations: _, activeDeadlineSeconds: __, ...rest } = pod.spec;
  return { ...rest, containers: rest.containers.map(({ image: ___, ...container }) => container) };
}

/** MicroTime is parsed with exactly six fractional digits; JavaScript's own dates have three. */
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/;
const MICRO_TIME_LAYOUT = '2006-01-02T15:04:05.000000Z07:00';

export function validateLease(lease: Lease): FieldError[] {
  for (const time of [lease.spec?.acquireTime, lease.spec?.renewTime]) {
    if (time === undefined || MICRO_TIME.test(time)) continue;
    const rest = time.slice(19);
    throw badRequest(
      `Lease in version "v1" cannot be handled as a Lease: parsing time "${time}" as "${MICRO_TIME_LAYOUT}": cannot parse "${rest}" as ".000000"`,
    );
  }
  const seconds = lease.spec?.leaseDurationSeconds;
  if (seconds === undefined || seconds > 0) return [];
  return [
    {
      reason: 'FieldValueInvalid',
      field: 'spec.leaseDurationSeconds',
      message: `Invalid value: ${seconds}: must be greater than 0`,
    },
  ];
}
