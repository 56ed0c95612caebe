import { isJsonObject } from './json.ts';
import type { KubeObject, LabelSelector, LabelSelectorRequirement } from './kinds.ts';
import { badRequest } from './status-error.ts';

export type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;
export type ObjectTest = (object: KubeObject) => boolean;

/** Label selectors of objects: an empty one takes everything, an absent one nothing. */
export function matchesSelector(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>> = {},
): boolean {
  if (selector === undefined) return false;
  const plain = Object.entries(selector.matchLabels ?? {});
  if (!plain.every(([key, value]) => labels[key] === value)) return false;
  return (selector.matchExpressions ?? []).every((requirement) => meets(requirement, labels));
}

/** One requirement of a label selector or a node selector (which has Gt and Lt as well). */
export function meets(requirement: LabelSelectorRequirement, labels: Readonly<Record<string, string>>): boolean {
  const { key, operator, values = [] } = requirement;
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
}

const KEY = '[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?';
const SET = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^)]*)\\)$`);
const EQUALITY = new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*([-A-Za-z0-9_.]*)$`);
const EXISTENCE = new RegExp(`^(!?)\\s*(${KEY})$`);

/** The `labelSelector` parameter: equality, sets and existence. */
export function parseLabelSelector(text: string): LabelTest {
  const requirements = splitOutsideParentheses(text).map((part) => parseRequirement(part.trim()));
  return (labels) => requirements.every((requirement) => meets(requirement, labels));
}

function parseRequirement(part: string): LabelSelectorRequirement {
  const set = SET.exec(part);
  if (set !== null) {
    const values = (set[3] ?? '').split(',').map((value) => value.trim());
    return { key: set[1] ?? '', operator: set[2] === 'in' ? 'In' : 'NotIn', values };
  }
  const equality = EQUALITY.exec(part);
  if (equality !== null) {
    return { key: equality[1] ?? '', operator: equality[2] === '!=' ? 'NotIn' : 'In', values: [equality[3] ?? ''] };
  }
  const existence = EXISTENCE.exec(part);
  if (existence !== null) {
    return { key: existence[2] ?? '', operator: existence[1] === '!' ? 'DoesNotExist' : 'Exists' };
  }
  const stray = part.split(/\s+/)[1] ?? part;
  throw badRequest(`unable to parse requirement: found '${stray}', expected: in, notin, =, ==, !=, gt, lt`);
}

function splitOutsideParentheses(text: string): string[] {
  return text.split(/,(?![^(]*\))/).filter((part) => part.trim() !== '');
}

const POD_FIELDS = [
  'spec.nodeName',
  'spec.restartPolicy',
  'spec.schedulerName',
  'spec.serviceAccountName',
  'spec.hostNetwork',
  'status.phase',
  'status.podIP',
  'status.nominatedNodeName',
];

/** Fields that the real server can select on, by kind; every other one is refused. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  Pod: POD_FIELDS,
  Node: ['spec.unschedulable'],
  Namespace: ['status.phase'],
  Job: ['status.successful'],
  Secret: ['type'],
  ReplicaSet: ['status.replicas'],
  Event: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
};

/** The `fieldSelector` parameter: `a=b`, `a==b`, `a!=b`, joined by commas. */
export function parseFieldSelector(text: string, kind: string): ObjectTest {
  const tests = text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(part);
      if (match === null) throw badRequest(`invalid selector: '${part}'; can't understand '${part}'`);
      const [, field = '', operator, wanted = ''] = match;
      if (!['metadata.name', 'metadata.namespace', ...(FIELDS[kind] ?? [])].includes(field)) {
        throw badRequest(`field label not supported: ${field}`);
      }
      return (object: KubeObject) => (fieldText(object, field) === wanted) === (operator !== '!=');
    });
  return (object) => tests.every((test) => test(object));
}

/** The text of a field as selectors and the downward API see it; an absent one is empty, or false for a switch. */
export function fieldText(object: KubeObject, path: string): string {
  // The one field that selectors call otherwise than the object does.
  if (path === 'status.successful') return fieldText(object, 'status.succeeded') || '0';
  let value: unknown = object;
  for (const part of path.split('.')) value = isJsonObject(value) ? value[part] : undefined;
  if (value === undefined || value === null) {
    return path === 'spec.unschedulable' || path === 'spec.hostNetwork' ? 'false' : '';
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
