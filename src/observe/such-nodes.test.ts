import { expect, test } from 'vitest';
import { exampleNode } from '../facts/example-facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { suchNodes } from './such-nodes.ts';

const { signal } = new AbortController();

function cluster(outlines: readonly NodeFact[], nodes: readonly NodeFact[]) {
  const asked: string[] = [];
  return {
    asked,
    outlines: async () => outlines,
    nodes: async () => {
      asked.push('all');
      return nodes;
    },
    node: async (name: string) => {
      asked.push(name);
      return nodes.find((node) => node.name === name);
    },
  };
}

const isDown = ({ ready }: Pick<NodeFact, 'ready'>): boolean => ready !== 'yes';
const down = (name: string): NodeFact => exampleNode(name, { ready: 'unknown' });

test('only the nodes that their outlines show are asked, and have the last word', async () => {
  const seen = cluster(
    [exampleNode('w1'), down('w2'), down('not-ours'), down('back')],
    [exampleNode('w1'), down('w2'), exampleNode('back')],
  );
  expect((await suchNodes(seen, isDown, signal)).map(({ name }) => name)).toEqual(['w2']);
  expect(seen.asked).toEqual(['w2', 'not-ours', 'back']);
});

test('many are listed instead of asked one by one', async () => {
  const many = Array.from({ length: 41 }, (_, index) => down(`w${index}`));
  const seen = cluster(many, [...many.slice(1), exampleNode('w0')]);
  expect(await suchNodes(seen, isDown, signal)).toHaveLength(40);
  expect(seen.asked).toEqual(['all']);
});
