import { describe, expect, it } from 'vitest';
import { controlPlane, OLD, TARGET, worker } from '../../test/support/clusters.ts';
import { exampleFacts } from '../facts/example-facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { evaluateGate } from '../gate/evaluate-gate.ts';
import { exampleOptions } from '../gate/example-options.ts';
import { known, unknown } from '../observed.ts';
import { parseSettings } from '../settings/parse-settings.ts';
import { rolloutFits } from './rollout-fits.ts';

const gen = (name: string, generation: string): NodeFact => worker(name, OLD, { labels: { generation } });
const CLUSTER = [controlPlane('cp1'), gen('w1', '2019'), gen('w2', '2019'), gen('w3', '2024')];

function ask(rollout: object, nodes: NodeFact[] = CLUSTER) {
  const options = exampleOptions({ rollout: parseSettings(JSON.stringify({ rollout }), 'test').rollout });
  return evaluateGate(exampleFacts({ nodes: known(nodes) }), TARGET, [rolloutFits], options);
}

const groups = { label: 'generation' };

describe('rollout, as a check', () => {
  const rows: { title: string; rollout: object; nodes?: NodeFact[]; said: string[] }[] = [
    { title: 'has nothing to say of the defaults', rollout: {}, said: [] },
    { title: 'has nothing to say where no worker is', rollout: { groups }, nodes: [controlPlane('cp1')], said: [] },
    { title: 'takes groups and orders that are there', rollout: { groups: { ...groups, order: ['2024'] } }, said: [] },
    {
      title: 'lets the limit of a group be larger than the group',
      rollout: { maxUnavailable: 9, groups: { ...groups, maxUnavailable: 8 } },
      said: [],
    },
    {
      title: 'refuses a label that no worker has, and says which it was meant to be; its values say no more',
      rollout: { groups: { label: 'generatoin', order: ['2019'] } },
      said: ['block rollout.groups.label: no worker has the label generatoin (did you mean generation?)'],
    },
    {
      title: 'refuses a label that only control planes have',
      rollout: { groups: { label: 'rack' } },
      nodes: [controlPlane('cp1', OLD, { labels: { rack: 'a' } }), worker('w1')],
      said: ['block rollout.groups.label: no worker has the label rack'],
    },
    {
      title: 'refuses to order by a label that no worker has',
      rollout: { orderLabel: 'wave' },
      said: ['block rollout.orderLabel: no worker has the label wave'],
    },
    {
      title: 'warns of values in the order that no worker has',
      rollout: { groups: { ...groups, order: ['2019', '2017', '2024'] } },
      said: ['warn rollout.groups.order: no worker has generation=2017; there are 2019, 2024'],
    },
    {
      title: 'refuses canaries that are larger than their group, and warns of no other group',
      rollout: { groups, canary: { perGroup: 2 } },
      said: [
        'block rollout.canary.perGroup: 2 canaries of each group would be all of generation=2019 (w1, w2), generation=2024 (w3): nobody is left for whom they would be tried',
      ],
    },
    {
      title: 'refuses canaries that are all workers',
      rollout: { canary: { perGroup: 3 } },
      said: [
        'block rollout.canary.perGroup: 3 canaries of each group would be all of the workers (w1, w2, w3): nobody is left for whom they would be tried',
      ],
    },
    {
      title: 'warns of a group of one, which cannot have a canary, and names those without the label',
      rollout: { groups, canary: { perGroup: 1 } },
      nodes: [...CLUSTER.slice(0, 3), worker('w3')],
      said: [
        'warn rollout.canary.perGroup: the canary is the only worker of those without generation (w3): it is watched, and none of its kind comes after it',
      ],
    },
    {
      title: 'warns of a batch over the percentage that may be away',
      rollout: { maxUnavailable: '10%', batch: 2 },
      said: ['warn rollout.batch: 2 never go together, as rollout.maxUnavailable (10%) is 1 of 3 workers'],
    },
    {
      title: 'warns of workers without a zone',
      rollout: { zones: 'one-at-a-time' },
      nodes: [worker('w1', OLD, { labels: { 'topology.kubernetes.io/zone': 'a' } }), worker('w2')],
      said: ['warn rollout.zones: without the label topology.kubernetes.io/zone each of these goes alone: w2'],
    },
  ];
  it.each(rows)('$title', ({ rollout, nodes, said }) => {
    const { findings, verdict } = ask(rollout, nodes);
    expect(findings.map(({ severity, message }) => `${severity} ${message}`)).toEqual(said);
    expect(findings.every((one) => one.reason === 'RolloutMismatch' && one.class === 'actionable')).toBe(true);
    expect(verdict).toBe(said.some((text) => text.startsWith('block')) ? 'blocked' : 'safe');
  });

  it('refuses what it cannot know', () => {
    const facts = exampleFacts({ nodes: unknown('403') });
    expect(evaluateGate(facts, TARGET, [rolloutFits], exampleOptions())).toMatchObject({
      verdict: 'blocked',
      findings: [{ check: 'rollout', reason: 'Unknown' }],
    });
  });
});
