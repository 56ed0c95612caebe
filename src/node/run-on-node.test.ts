import { describe, expect, it } from 'vitest';
import { isWorthAnotherTry } from '../chain/worth-another-try.ts';
import { exampleNode } from '../facts/example-facts.ts';
import { nodeFailure } from './run-on-node.ts';

const CASES = [
  { script: 'upgrade-node', exitCode: 137, tail: 'nightlift: the command was killed: signal KILL', again: true },
  { script: 'upgrade-node', exitCode: 143, tail: 'nightlift: the command was killed: signal TERM', again: true },
  {
    script: 'upgrade-node',
    exitCode: 137,
    tail: 'nightlift: the command was killed: the node ran out of memory',
    again: false,
  },
  { script: 'upgrade-node', exitCode: 20, tail: 'error execution phase preflight', again: false },
  { script: 'upgrade-node', exitCode: 124, tail: '', again: false },
  { script: 'stage', exitCode: 24, tail: '', again: true },
  { script: 'upgrade-node', exitCode: 24, tail: '', again: false },
  { script: 'upgrade-node', exitCode: null, tail: '', again: true },
] as const;

describe('the failure of a node script', () => {
  it.each(CASES)(
    'I01 $script with $exitCode ($tail): worth another try $again',
    ({ script, exitCode, tail, again }) => {
      const failure = nodeFailure(exampleNode('cp-1'), { name: script, text: '' }, 'upgrading', exitCode, tail);
      expect(failure.message).toContain('cp-1');
      expect(isWorthAnotherTry(failure)).toBe(again);
    },
  );
});
