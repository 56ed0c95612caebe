import type { NodeOutline } from '../facts/node-fact.ts';
import { type Outlines, workers } from '../facts/nodes.ts';
import type { Check } from '../gate/check.ts';
import type { Finding } from '../gate/finding.ts';
import { unknownFinding } from '../gate/unknown-finding.ts';
import { nearest } from '../nearest.ts';
import { type Rollout, sharedOut } from '../settings/rollout.ts';
import { someOf } from '../some-of.ts';
import { groupsOf, ZONE } from './rollout.ts';

const NAME = 'rollout';

/** The settings say how workers go; only the cluster says whether there are such workers. */
export const rolloutFits: Check = {
  name: NAME,
  reads: ['nodes'],
  evaluate({ nodes }, { options: { rollout } }) {
    if (!nodes.known) return [unknownFinding(NAME, 'the nodes', nodes.why, 'Look at kubectl get nodes.')];
    const all = workers(nodes.value);
    if (all.length === 0) return [];
    return [
      ...labels(all, rollout),
      ...orderValues(all, rollout),
      ...canaries(all, rollout),
      ...batches(all, rollout),
      ...zones(all, rollout),
    ];
  },
};

function mismatch(severity: Finding['severity'], key: string, message: string, remedy: string): Finding {
  return {
    check: NAME,
    reason: 'RolloutMismatch',
    class: 'actionable',
    severity,
    subject: key,
    message: `rollout.${key}: ${message}`,
    remedy,
  };
}

function labels(all: Outlines, { groups, orderLabel }: Rollout): readonly Finding[] {
  const asked = { 'groups.label': groups?.label ?? '', orderLabel };
  const known = [...new Set(all.flatMap((node) => Object.keys(node.labels)))];
  return Object.entries(asked)
    .filter(([, label]) => label !== '' && !known.includes(label))
    .map(([key, label]) => {
      const meant = nearest(label, known);
      return mismatch(
        'block',
        key,
        `no worker has the label ${label}${meant === undefined ? '' : ` (did you mean ${meant}?)`}`,
        `Correct the setting, or label the nodes: kubectl label node ${all[0]?.name ?? 'NODE'} ${label}=VALUE`,
      );
    });
}

function orderValues(all: Outlines, { groups }: Rollout): readonly Finding[] {
  if (groups === null) return [];
  const values = new Set(all.flatMap(({ labels }) => labels[groups.label] ?? []));
  const unused = groups.order.filter((value) => !values.has(value));
  // Without the label none has its values.
  if (unused.length === 0 || values.size === 0) return [];
  return [
    mismatch(
      'warn',
      'groups.order',
      `no worker has ${groups.label}=${someOf(unused)}; there are ${someOf([...values])}`,
      'Nothing, when such nodes are gone or still to come; else correct the value: what is not in the order comes after it.',
    ),
  ];
}

/** Of a group of one nobody can be tried before it, and no setting of the others is wrong for that. */
function canaries(all: Outlines, rollout: Rollout): readonly Finding[] {
  const { perGroup } = rollout.canary;
  if (perGroup === 0) return [];
  const covered = groupsOf(all, { rollout }).filter((group) => group.length <= perGroup);
  const [single, whole] = [
    covered.filter((group) => group.length === 1 && perGroup === 1),
    covered.filter((group) => group.length > 1 || perGroup > 1),
  ];
  const named = (groups: readonly Outlines[]): string => someOf(groups.map((group) => sayGroup(group, rollout)));
  return [
    ...(whole.length === 0
      ? []
      : [
          mismatch(
            'block',
            'canary.perGroup',
            `${perGroup} ${perGroup === 1 ? 'canary' : 'canaries'} of each group would be all of ${named(whole)}: nobody is left for whom they would be tried`,
            'Lower rollout.canary.perGroup, or take a label by which the groups are larger.',
          ),
        ]),
    ...(single.length === 0
      ? []
      : [
          mismatch(
            'warn',
            'canary.perGroup',
            `the canary is the only worker of ${named(single)}: it is watched, and none of its kind comes after it`,
            'Nothing, when there is one such node.',
          ),
        ]),
  ];
}

function sayGroup(group: Outlines, { groups }: Rollout): string {
  const names = someOf(group.map(({ name }) => name));
  return groups === null ? `the workers (${names})` : `${groupName(group[0], groups.label)} (${names})`;
}

/** `generation=2019`, or what the last group has in common. */
export function groupName(node: NodeOutline | undefined, label: string): string {
  const value = node?.labels[label];
  return value === undefined ? `those without ${label}` : `${label}=${value}`;
}

function batches(all: Outlines, { batch, maxUnavailable }: Rollout): readonly Finding[] {
  const limit = sharedOut(maxUnavailable, all.length);
  if (batch === null || batch <= limit) return [];
  return [
    mismatch(
      'warn',
      'batch',
      `${batch} never go together, as rollout.maxUnavailable (${maxUnavailable}) is ${limit} of ${all.length} workers`,
      `Lower rollout.batch to ${limit}, or raise rollout.maxUnavailable.`,
    ),
  ];
}

function zones(all: Outlines, rollout: Rollout): readonly Finding[] {
  const without = all.filter((node) => node.labels[ZONE] === undefined);
  if (rollout.zones === 'any' || without.length === 0) return [];
  return [
    mismatch(
      'warn',
      'zones',
      `without the label ${ZONE} each of these goes alone: ${someOf(without.map(({ name }) => name))}`,
      'Label the nodes, or leave rollout.zones at any.',
    ),
  ];
}
