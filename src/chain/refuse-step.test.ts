import { describe, expect, it } from 'vitest';
import { controlPlane, worker } from '../../test/support/clusters.ts';
import type { Nodes } from '../facts/nodes.ts';
import { Refused } from './outcome.ts';
import { refuseTooEarly, refuseWrongTarget } from './refuse-step.ts';

function refusal(act: () => void): Refused {
  try {
    act();
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('refuseWrongTarget', () => {
  const cluster = [controlPlane('cp1', '1.36.3'), worker('w1', '1.36.3')];
  const rows: { title: string; nodes: Nodes; target: string; problem: string | undefined }[] = [
    { title: 'lets a patch through', nodes: cluster, target: '1.36.4', problem: undefined },
    { title: 'lets the next minor through', nodes: cluster, target: '1.37.0', problem: undefined },
    { title: 'lets the running version through', nodes: cluster, target: '1.36.3', problem: undefined },
    {
      title: 'refuses a downgrade',
      nodes: cluster,
      target: '1.36.2',
      problem: '1.36.2 is lower than the running 1.36.3; kubeadm does not downgrade',
    },
    {
      title: 'refuses to leave out a minor',
      nodes: cluster,
      target: '1.38.0',
      problem: '1.38.0 is 2 minors above the running 1.36.3; kubeadm goes one minor at a time, 1.37 comes next',
    },
    {
      title: 'counts from the oldest API server, not from a kubelet that is behind it',
      nodes: [controlPlane('cp1', '1.37.1'), controlPlane('cp2', '1.37.0'), worker('w1', '1.35.8')],
      target: '1.38.0',
      problem: undefined,
    },
    {
      title: 'counts from the oldest of several API servers',
      nodes: [controlPlane('cp1', '1.38.0'), controlPlane('cp2', '1.36.3')],
      target: '1.38.1',
      problem: '1.38.1 is 2 minors above the running 1.36.3; kubeadm goes one minor at a time, 1.37 comes next',
    },
    {
      title: 'counts from the oldest kubelet when no API server is seen',
      nodes: [controlPlane('cp1', '1.36.3', { apiServer: null }), worker('w1', '1.35.8')],
      target: '1.37.0',
      problem: '1.37.0 is 2 minors above the running 1.35.8; kubeadm goes one minor at a time, 1.36 comes next',
    },
  ];
  it.each(rows)('$title', ({ nodes, target, problem }) => {
    if (problem === undefined) {
      expect(() => refuseWrongTarget(nodes, target)).not.toThrow();
      return;
    }
    expect(refusal(() => refuseWrongTarget(nodes, target)).findings).toEqual([
      {
        check: 'target',
        reason: 'WrongTarget',
        class: 'actionable',
        severity: 'block',
        message: problem,
        remedy: 'Delete this Job; `nightlift plan` shows the possible targets.',
      },
    ]);
  });

  it('fails when there are no nodes at all: then it may not see them', () => {
    expect(() => refuseWrongTarget([], '1.36.4')).toThrow(
      expect.objectContaining({
        kind: 'cluster',
        message: 'reading the nodes: the API server lists none',
        remedy: 'Check the account of the Job: kubectl auth can-i list nodes.',
      }),
    );
  });
});

describe('refuseTooEarly', () => {
  it('lets a step through whose turn it is', () => {
    expect(() =>
      refuseTooEarly({ phase: 'worker', node: 'w1' }, [controlPlane('cp1', '1.36.4'), worker('w1')], '1.36.4'),
    ).not.toThrow();
  });

  it('I05 refuses a Job that somebody has made out of its order', () => {
    const nodes = [controlPlane('cp1', '1.35.8'), worker('w1', '1.35.8')];
    expect(refusal(() => refuseTooEarly({ phase: 'worker', node: 'w1' }, nodes, '1.36.4')).findings).toEqual([
      {
        check: 'order',
        reason: 'TooEarly',
        class: 'actionable',
        severity: 'block',
        message:
          'worker w1 is too early: the kubelet of w1 would be newer than the API server of cp1, which is on 1.35.8',
        remedy: 'Delete this Job; `nightlift upgrade --to 1.36.4` goes in the right order.',
      },
    ]);
  });
});
