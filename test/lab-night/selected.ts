import type { Scenario } from './scenario.ts';

export function selected(
  all: readonly Scenario[],
  { only, ci }: { readonly only: readonly string[]; readonly ci: boolean },
): readonly Scenario[] {
  const unknown = only.find((name) => !all.some((scenario) => scenario.name === name));
  if (unknown !== undefined)
    throw new Error(`looking for the scenario "${unknown}": there are ${all.map(({ name }) => name).join(', ')}`);
  if (only.length > 0) return all.filter(({ name }) => only.includes(name));
  return ci ? all.filter((scenario) => scenario.ci) : all;
}
