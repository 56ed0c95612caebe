import { describe, expect, it } from 'vitest';
import { exampleNode } from './example-facts.ts';
import { kindsOf, kindText, otherChanges } from './inventory.ts';
import type { NodeFact } from './node-fact.ts';

const NODES = ['cp-1', 'w1', 'w2', 'w3'].map((name) => exampleNode(name, { containerRuntime: 'containerd://1.7.24' }));
const BEFORE = kindsOf(NODES);

/** The changes when the nodes are as `change` makes them. */
function changes(
  change: (node: NodeFact) => Partial<NodeFact>,
  more: readonly NodeFact[] = [],
  gone = '',
): readonly string[] {
  const after = NODES.filter(({ name }) => name !== gone).map((node) => ({ ...node, ...change(node) }));
  return otherChanges(BEFORE, kindsOf([...after, ...more]));
}

describe('an inventory', () => {
  it('has each kind of node once, that of most nodes first', () => {
    expect(BEFORE.map(({ role, nodes }) => [role, nodes])).toEqual([
      ['worker', ['w1', 'w2', 'w3']],
      ['control-plane', ['cp-1']],
    ]);
    expect(BEFORE.map(kindText)).toEqual([
      'worker: kubelet 1.36.3, Debian GNU/Linux 13, kernel 6.12.0, containerd://1.7.24',
      'control-plane: kubelet 1.36.3, API server 1.36.3, Debian GNU/Linux 13, kernel 6.12.0, containerd://1.7.24',
    ]);
  });

  it('does not count the upgrade itself as a change', () => {
    expect(
      changes(({ apiServer }) => ({ kubelet: '1.36.4', apiServer: apiServer === null ? null : '1.36.4' })),
    ).toEqual([]);
  });

  it.each<[string, readonly string[], readonly string[]]>([
    [
      'a kernel',
      changes(({ name }) => (name === 'cp-1' ? {} : { kernel: '6.12.9' })),
      ['kernel 6.12.0 → 6.12.9: w1, w2, w3'],
    ],
    [
      'a system',
      changes(({ name }) => (name === 'w2' ? { osImage: 'Other 1' } : {})),
      ['system Debian GNU/Linux 13 → Other 1: w2'],
    ],
    [
      'a runtime that no worker had',
      changes(({ name }) => (name === 'cp-1' ? { containerRuntime: 'containerd://2.2.1' } : {})),
      ['runtime containerd://1.7.24 → containerd://2.2.1: cp-1'],
    ],
    ['a node that joined', changes(() => ({}), [exampleNode('w9')]), ['joined: w9']],
    ['a node that is gone', changes(() => ({}), [], 'w1'), ['gone: w1']],
  ])('names %s', (_, said, want) => {
    expect(said).toEqual(want);
  });

  it('takes the runtime of a worker on a control plane for its own step', () => {
    const before = kindsOf([exampleNode('cp-1', { containerRuntime: 'containerd://1.7.1' }), exampleNode('w1')]);
    expect(otherChanges(before, kindsOf([exampleNode('cp-1'), exampleNode('w1')]))).toEqual([]);
  });

  it('names ten of hundreds', () => {
    const many = Array.from({ length: 30 }, (_, index) => exampleNode(`w${index + 10}`));
    const [change = ''] = otherChanges(kindsOf(many), kindsOf(many.map((node) => ({ ...node, kernel: '7.0' }))));
    expect(change).toMatch(/^kernel 6\.12\.0 → 7\.0: w10, .*, w19 and 20 more$/);
  });
});
