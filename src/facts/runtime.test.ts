import { describe, expect, it } from 'vitest';
import { exampleNode } from './example-facts.ts';
import { containerdToRaise } from './runtime.ts';

const controlPlane = (runtime: string) => exampleNode('cp1', { containerRuntime: runtime });
const workers = (...runtimes: string[]) =>
  runtimes.map((containerRuntime, index) => exampleNode(`w${index + 1}`, { containerRuntime }));

describe('containerdToRaise', () => {
  it.each([
    {
      title: "raises to the workers' version",
      own: 'containerd://1.6.20',
      others: ['containerd://1.7.24'],
      want: '1.7.24',
    },
    {
      title: 'raises to the oldest of the workers',
      own: 'containerd://1.6.20',
      others: ['containerd://2.1.0', 'containerd://1.7.24'],
      want: '1.7.24',
    },
    { title: 'compares by number', own: 'containerd://1.7.9', others: ['containerd://1.7.24'], want: '1.7.24' },
    {
      title: "reads a distribution's suffix",
      own: 'containerd://1.6.20~ds1',
      others: ['containerd://v1.7.24+ds2'],
      want: '1.7.24',
    },
    {
      title: 'raises from what comes before a release to the release',
      own: 'containerd://2.0.0-rc.3',
      others: ['containerd://2.0.0'],
      want: '2.0.0',
    },
    {
      title: 'raises to a release, of which there are packages',
      own: 'containerd://1.7.24',
      others: ['containerd://2.0.0-rc.3'],
      want: '2.0.0',
    },
    { title: 'leaves an equal one', own: 'containerd://1.7.24', others: ['containerd://1.7.24'], want: undefined },
    { title: 'never lowers', own: 'containerd://2.0.0', others: ['containerd://1.7.24'], want: undefined },
    {
      title: 'D10 leaves another runtime alone',
      own: 'cri-o://1.36.0',
      others: ['containerd://1.7.24'],
      want: undefined,
    },
    {
      title: 'D10 leaves another runtime alone, whatever its name looks like',
      own: 'containers://1.6.20',
      others: ['containerd://1.7.24'],
      want: undefined,
    },
    {
      title: 'D10 does nothing when one worker has another runtime',
      own: 'containerd://1.6.20',
      others: ['containerd://1.7.24', 'cri-o://1.36.0'],
      want: undefined,
    },
    {
      title: 'D10 does nothing when one version cannot be read',
      own: 'containerd://1.6.20',
      others: ['containerd://1.7.24', 'containerd://unknown'],
      want: undefined,
    },
    {
      title: 'D10 does nothing when its own version cannot be read',
      own: 'containerd://unknown',
      others: ['containerd://1.7.24'],
      want: undefined,
    },
    {
      title: 'D10 does not take a version at the end of another word for one',
      own: 'containerd://1.6.20',
      others: ['containerd://fork-1.7.24'],
      want: undefined,
    },
    {
      title: 'reads numbers of more than one digit',
      own: 'containerd://10.11.12',
      others: ['containerd://10.11.13'],
      want: '10.11.13',
    },
    { title: 'does nothing without workers', own: 'containerd://1.6.20', others: [], want: undefined },
  ])('$title', ({ own, others, want }) => {
    const node = controlPlane(own);
    expect(containerdToRaise(node, [node, ...workers(...others)])).toBe(want);
  });
});
