/** The scenarios of `nightlift demo`; beside their table, so that help and completion need not load the embedded cluster. */
export const SCENARIO_NAMES = [
  'patch',
  'minor',
  'path',
  'ha',
  'upgrade-only',
  'one-node',
  'blocked',
  'held',
  'pinned',
  'pdb',
  'node-down',
  'killed',
  'alert',
  'nothing',
] as const;

export type ScenarioName = (typeof SCENARIO_NAMES)[number];
