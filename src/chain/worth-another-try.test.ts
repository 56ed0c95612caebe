import { describe, expect, it } from 'vitest';
import { AWAY } from '../../test/support/example-phase.ts';
import { ClusterError } from '../cluster/kube-error.ts';
import { NightliftError } from '../errors.ts';
import { isWorthAnotherTry } from './worth-another-try.ts';

describe('isWorthAnotherTry', () => {
  it.each<[string, unknown, boolean]>([
    ['an API server that is away', AWAY, true],
    ['a network that is away', new NightliftError('network', 'opening ssh to w1: timed out'), true],
    ['an API server that says no', new ClusterError('403', { status: 403, reason: 'Forbidden' }), false],
    ['a command that ended with an error', new NightliftError('node', 'kubeadm ended with 1'), false],
    ['a fault that nobody foresaw', Object.assign(new Error('x'), { kind: 'network' }), false],
    ['what is not even an error', 'network', false],
  ])('tells whether another try may help: %s', (_, error, expected) => {
    expect(isWorthAnotherTry(error)).toBe(expected);
  });
});
