import { expect, it } from 'vitest';
import { readable } from './follow-chain.ts';

it.each([
  ['{"level":"info","message":"phase starts"}', ['phase starts']],
  [
    '{"level":"warn","message":"worker-1 is full","reason":"DiskFull","remedy":"make room"}',
    ['WARN worker-1 is full: DiskFull', '    what to do: make room'],
  ],
  ['{"level":"warn","message":"could not read alerts","error":"refused"}', ['WARN could not read alerts: refused']],
  ['no JSON at all', ['no JSON at all']],
  ['{"half":', ['{"half":']],
  ['7', ['7']],
  ['  ', []],
])('a line of a log as people read it: %s', (line, expected) => {
  expect(readable(line)).toEqual(expected);
});
