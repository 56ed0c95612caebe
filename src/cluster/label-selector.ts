import { z } from 'zod';

const Requirement = z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()).nullish() });

export type LabelRequirement = z.infer<typeof Requirement>;

export const Requirements = z.array(Requirement).nullish();

/** metav1.LabelSelector, matchExpressions included: a budget that has only those covers pods as well (D07). */
export const LabelSelector = z.object({
  matchLabels: z.record(z.string(), z.string()).nullish(),
  matchExpressions: Requirements,
});

export type LabelSelector = z.infer<typeof LabelSelector>;

type Labels = Readonly<Record<string, string>>;

/** An empty selector selects everything, an absent one nothing. */
export function selects(selector: LabelSelector | null | undefined, labels: Labels): boolean {
  if (selector === null || selector === undefined) return false;
  return (
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => valueOf(labels, key) === value) &&
    (selector.matchExpressions ?? []).every((requirement) => meets(requirement, labels))
  );
}

/** Whether no labels can match both: they ask different values of one label. */
export function excludesEachOther(one: LabelSelector | null, other: LabelSelector | null): boolean {
  if (one === null || other === null) return true;
  const asked = askedValues(one);
  return askedValues(other).some(([key, values]) =>
    asked.some(([same, allowed]) => same === key && !values.some((value) => allowed.includes(value))),
  );
}

function askedValues({
  matchLabels,
  matchExpressions,
}: LabelSelector): readonly (readonly [string, readonly string[]])[] {
  return [
    ...Object.entries(matchLabels ?? {}).map(([key, value]) => [key, [value]] as const),
    ...(matchExpressions ?? []).flatMap(({ key, operator, values }) =>
      operator === 'In' ? [[key, values ?? []] as const] : [],
    ),
  ];
}

const EXPRESSIONS: Readonly<Record<string, (key: string, values: string) => string>> = {
  In: (key, values) => `${key} in (${values})`,
  NotIn: (key, values) => `${key} notin (${values})`,
  Exists: (key) => key,
  DoesNotExist: (key) => `!${key}`,
};

/** As a query asks it, as far as that can be: `selects` has the last word. undefined asks for everything. */
export function selectorText({ matchLabels, matchExpressions }: LabelSelector): string | undefined {
  const parts = [
    ...Object.entries(matchLabels ?? {}).map(([key, value]) => `${key}=${value}`),
    ...(matchExpressions ?? []).flatMap(
      ({ key, operator, values }) => EXPRESSIONS[operator]?.(key, (values ?? []).join(',')) ?? [],
    ),
  ];
  return parts.length === 0 ? undefined : parts.join(',');
}

/** Of a label selector, or of a node's (which has Gt and Lt as well). An operator of a later Kubernetes counts as met. */
export function meets({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = valueOf(labels, key);
  const wanted = values ?? [];
  switch (operator) {
    case 'In':
      return value !== undefined && wanted.includes(value);
    case 'NotIn':
      return value === undefined || !wanted.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return integerOf(value) > integerOf(wanted[0]);
    case 'Lt':
      return integerOf(value) < integerOf(wanted[0]);
    default:
      return true;
  }
}

/** As the scheduler reads it; what is no whole number compares with nothing. */
function integerOf(text = ''): number {
  return /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
}

function valueOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
