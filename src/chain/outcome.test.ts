import { describe, expect, it } from 'vitest';
import type { Finding } from '../gate/finding.ts';
import { Paused, Refused } from './outcome.ts';

const finding = (message: string): Finding => ({
  check: 'made-up',
  reason: 'InTheWay',
  class: 'actionable',
  severity: 'block',
  message,
});

describe('decisions that end a phase', () => {
  it('read as what they are, with all of their reasons', () => {
    expect(String(new Paused('the kill switch is engaged'))).toBe('Paused: the kill switch is engaged');
    expect(String(new Refused([finding('a is in the way'), finding('b too')]))).toBe('Refused: a is in the way; b too');
  });
});
