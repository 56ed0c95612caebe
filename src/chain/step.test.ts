import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobName, nodeOf, type Step, stepName } from './step.ts';

const worker = (node: string): Step => ({ phase: 'worker', node });

describe('jobName', () => {
  it.each<[Step, string]>([
    [{ phase: 'preflight' }, 'k8s-upgrade-preflight-1-36-4'],
    [{ phase: 'postflight' }, 'k8s-upgrade-postflight-1-36-4'],
    [{ phase: 'master', node: 'cp1' }, 'k8s-upgrade-master-1-36-4'],
    [{ phase: 'master', node: 'cp2' }, 'k8s-upgrade-master-1-36-4-cp2'],
    [{ phase: 'worker', node: 'w1' }, 'k8s-upgrade-worker-1-36-4-w1'],
  ])('names the Job of %j as the runbook does', (step, name) => {
    expect(jobName(step, '1.36.4', 'cp1')).toBe(name);
  });

  it('D19 gives every control plane a Job of its own, the first without its node in the name', () => {
    const names = ['cp1', 'cp2', 'cp3'].map((node) => jobName({ phase: 'master', node }, '1.36.4', 'cp1'));
    expect(new Set(names).size).toBe(3);
  });

  it('shortens a node name of 63 characters and keeps two of them apart', () => {
    const long = 'a'.repeat(62);
    const [one, two] = [jobName(worker(`${long}1`), '1.36.4', 'cp1'), jobName(worker(`${long}2`), '1.36.4', 'cp1')];
    expect(one).toHaveLength(63);
    expect(one).not.toBe(two);
  });

  it.each([
    ['the longest node name that fits as it is', 'a'.repeat(37), /^k8s-upgrade-worker-1-36-4-a{37}$/],
    ['a longer one up to the limit, with a hash', 'a'.repeat(38), /^k8s-upgrade-worker-1-36-4-a{28}-[0-9a-f]{8}$/],
    [
      'a longer one that is cut at dashes without them',
      `a-b${'-'.repeat(30)}${'c'.repeat(20)}`,
      /^k8s-upgrade-worker-1-36-4-a-b-[0-9a-f]{8}$/,
    ],
  ])('keeps %s', (_, node, name) => {
    expect(jobName(worker(node), '1.36.4', 'cp1')).toMatch(name);
  });

  it('takes the name of the first control plane for a worker of that name no more than for another', () => {
    expect(jobName(worker('n1'), '1.36.4', 'n1')).toBe('k8s-upgrade-worker-1-36-4-n1');
  });

  it('keeps a node name with dots apart from the same one with dashes', () => {
    const name = jobName(worker('w1.example.org'), '1.36.4', 'cp1');
    expect(name).toMatch(/^k8s-upgrade-worker-1-36-4-w1-example-org-[0-9a-f]{8}$/);
    expect(name).not.toBe(jobName(worker('w1-example-org'), '1.36.4', 'cp1'));
  });

  it('is a label value, deterministic and different for every node and target', () => {
    const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
    const node = fc.array(label, { minLength: 1, maxLength: 8 }).map((labels) => labels.join('.'));
    const target = fc.tuple(fc.constant(1), fc.nat(99), fc.nat(99)).map((parts) => parts.join('.'));
    fc.assert(
      fc.property(node, node, target, (a, b, version) => {
        const name = jobName(worker(a), version, 'cp1');
        expect(name).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])$/);
        expect(jobName(worker(a), version, 'cp2')).toBe(name);
        if (a !== b) expect(jobName(worker(b), version, 'cp1')).not.toBe(name);
      }),
    );
  });
});

describe('steps in words', () => {
  it('name the node that they change, if any', () => {
    expect([stepName({ phase: 'preflight' }), stepName(worker('w1'))]).toEqual(['preflight', 'worker w1']);
    expect([nodeOf({ phase: 'postflight' }), nodeOf(worker('w1'))]).toEqual([undefined, 'w1']);
  });
});
