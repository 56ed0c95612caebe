import { describe, expect, it } from 'vitest';
import { controlPlane, OLD, TARGET, worker } from '../../test/support/clusters.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { Settings } from '../settings/settings.ts';
import { type DrainRule, drainRule, whyDrained } from './drain-rule.ts';

const WITHOUT: DrainRule = { mode: 'patch-without', raise: true };

describe('whether a node is drained', () => {
  it('is so by default, whatever changes', () => {
    const rule = drainRule(Settings.parse({}));
    expect(rule).toEqual({ mode: 'always', raise: true });
    expect(whyDrained(worker('w1'), [worker('w1')], TARGET, rule)).toBe('drain.mode is always');
  });

  it('takes both of its settings', () => {
    const settings = Settings.parse({ drain: { mode: 'patch-without' }, containerd: { raise: false } });
    expect(drainRule(settings)).toEqual({ mode: 'patch-without', raise: false });
  });

  const rows: { title: string; node: NodeFact; others?: NodeFact[]; rule?: DrainRule; why: string | undefined }[] = [
    { title: 'not: the patch of a worker', node: worker('w1'), why: undefined },
    { title: 'not: the patch of a control plane', node: controlPlane('cp1'), others: [worker('w1')], why: undefined },
    { title: 'not: the patch of the only node', node: controlPlane('cp1'), why: undefined },
    {
      title: "a worker's minor",
      node: worker('w1', '1.35.8'),
      why: 'the kubelet of w1 goes from 1.35.8 to 1.36.4: a minor',
    },
    {
      title: "a control plane's minor",
      node: controlPlane('cp1', '1.35.8'),
      why: 'the kubelet of cp1 goes from 1.35.8 to 1.36.4: a minor',
    },
    {
      title: 'a minor half-way: the API server is there, the kubelet is not',
      node: controlPlane('cp1', '1.35.8', { apiServer: TARGET }),
      why: 'the kubelet of cp1 goes from 1.35.8 to 1.36.4: a minor',
    },
    {
      title: 'an API server of another minor, under a kubelet of this one',
      node: controlPlane('cp1', OLD, { apiServer: '1.35.8' }),
      why: 'the API server of cp1 goes from 1.35.8 to 1.36.4: a minor',
    },
    {
      title: 'an API server that is not seen',
      node: controlPlane('cp1', OLD, { apiServer: null }),
      why: 'the version of the API server on cp1 is not known',
    },
    {
      title: 'not: an API server that is not seen while its own step replaces it',
      node: controlPlane('cp1', OLD, { apiServer: null, unfinished: TARGET }),
      why: undefined,
    },
    {
      title: 'an API server that is not seen, in a step to another version',
      node: controlPlane('cp1', OLD, { apiServer: null, unfinished: '1.36.2' }),
      why: 'the version of the API server on cp1 is not known',
    },
    {
      title: 'a control plane whose containerd is raised',
      node: controlPlane('cp1', OLD, { containerRuntime: 'containerd://1.7.28' }),
      others: [worker('w1'), worker('w2')],
      why: 'the containerd of cp1 is raised to 2.2.1',
    },
    {
      title: 'not: the same, when it is not to be raised',
      node: controlPlane('cp1', OLD, { containerRuntime: 'containerd://1.7.28' }),
      others: [worker('w1')],
      rule: { ...WITHOUT, raise: false },
      why: undefined,
    },
    {
      title: 'not: a worker, whose containerd nobody raises',
      node: worker('w1', OLD, { containerRuntime: 'containerd://1.7.28' }),
      others: [worker('w2')],
      why: undefined,
    },
    {
      title: 'a control plane beside a runtime that nobody can read',
      node: controlPlane('cp1'),
      others: [worker('w1', OLD, { containerRuntime: 'containerd://unknown' })],
      why: 'whether the containerd of cp1 is raised is not known',
    },
    {
      title: 'a control plane with a runtime that nobody can read',
      node: controlPlane('cp1', OLD, { containerRuntime: '' }),
      others: [worker('w1')],
      why: 'whether the containerd of cp1 is raised is not known',
    },
    {
      title: 'a control plane that may have been drained for its containerd before',
      node: controlPlane('cp1', TARGET, { unfinished: TARGET }),
      others: [worker('w1')],
      why: 'whether the containerd of cp1 was raised is not known any more',
    },
    {
      title: 'not: the only node, which is compared with nobody',
      node: controlPlane('cp1', OLD, { containerRuntime: 'cri-dockerd' }),
      why: undefined,
    },
    {
      title: 'not: the only node, on its target',
      node: controlPlane('cp1', TARGET, { unfinished: TARGET }),
      why: undefined,
    },
    {
      title: 'not: the only node, half-way',
      node: controlPlane('cp1', OLD, { apiServer: TARGET, unfinished: TARGET }),
      why: undefined,
    },
  ];
  it.each(rows)('$title', ({ node, others = [], rule = WITHOUT, why }) => {
    expect(whyDrained(node, [node, ...others], TARGET, rule)).toBe(why);
  });
});
