import { describe, expect, it } from 'vitest';
import { surveyFindings } from '../../test/support/survey-findings.ts';
import { exampleSurvey } from '../facts/example-survey.ts';
import type { NodeSurvey } from '../facts/node-survey.ts';
import { nodeKernel } from './node-kernel.ts';

interface Given extends Partial<NodeSurvey> {
  readonly ignore?: readonly string[];
  readonly running?: string;
}

const kubelet = (fields: Partial<NodeSurvey['kubelet']>): Partial<NodeSurvey> => ({
  kubelet: { ...exampleSurvey().kubelet, ...fields },
});

function found(target: string, { ignore = [], running = '1.34.5', ...fields }: Given): readonly string[] {
  return surveyFindings(nodeKernel, {
    target,
    running,
    surveys: { 'worker-2': fields },
    options: { kubeadm: { ignorePreflightErrors: [...ignore], patchesDirectory: '' } },
  }).map(({ reason, severity }) => `${reason}/${severity}`);
}

describe('node-kernel', () => {
  const tolerant = kubelet({ config: { failCgroupV1: false } });
  it.each<[string, string, Given, string[]]>([
    ['v2', '1.35.1', {}, []],
    ['v1 before 1.35', '1.34.9', { cgroup: 'v1' }, []],
    ['v1', '1.35.1', { cgroup: 'v1' }, ['CgroupV1/block']],
    [
      'v1, failCgroupV1 true',
      '1.37.1',
      { cgroup: 'v1', ...kubelet({ config: { failCgroupV1: true } }) },
      ['CgroupV1/block'],
    ],
    ['v1 that the kubelet is told to take', '1.35.1', { cgroup: 'v1', ...tolerant }, ['CgroupV1/block']],
    [
      'v1 that kubelet and kubeadm are told to take',
      '1.35.1',
      { cgroup: 'v1', ...tolerant, ignore: ['systemverification'] },
      [],
    ],
    ['v1 that kubeadm alone is told to take', '1.35.1', { cgroup: 'v1', ignore: ['all'] }, ['CgroupV1/block']],
    ['v1 or v2, not to be found out', '1.35.1', { cgroup: null }, ['CgroupUnknown/block']],
    ['whichever lets a kubelet 1.35 run', '1.36.1', { cgroup: null, running: '1.35.3' }, []],
  ])('cgroup %s for %s', (_name, target, given, want) => {
    expect(found(target, given)).toEqual(want);
  });

  it.each<[string, string, string[], (readonly string[])?]>([
    ['1.31.2', '3.10.0-1160.el7.x86_64', []],
    ['1.31.2', '2.6.32', ['KernelUntested/warn']],
    ['1.32.9', '4.18.0-553.el8.x86_64', ['KernelUntested/warn']],
    ['1.33.4', '4.18.0-553.el8.x86_64', ['KernelTooOld/block']],
    ['1.33.4', '4.18.0-553.el8.x86_64', ['KernelUntested/warn'], ['SystemVerification']],
    ['1.33.4', '4.19.0', []],
    ['1.33.4', '10.1.0', []],
    ['1.36.4', '5.15.0-88-generic', []],
    ['1.36.4', '5.14.0-503.el9.x86_64', ['KernelUntested/warn']],
    ['1.36.4', '6.1.0-30-amd64', []],
    ['1.36.4', '4.19.0', ['KernelUntested/warn']],
    ['1.36.4', '', ['KernelUntested/warn']],
  ])('for %s on Linux %s says %j', (target, kernel, want, ignore = []) => {
    expect(found(target, { kernel, ignore, running: '1.30.1' })).toEqual(want);
  });

  it.each<[string, Given, string[]]>([
    ['swap that is on', { swapBytes: 1e9 }, ['SwapOn/block']],
    ['swap that the config file takes', { swapBytes: 1e9, ...kubelet({ config: { failSwapOn: false } }) }, []],
    ['swap that a flag takes', { swapBytes: 1e9, ...kubelet({ arguments: ['--fail-swap-on=false'], config: {} }) }, []],
    ['swap that nothing is said of', { swapBytes: 1e9, ...kubelet({ config: {} }) }, ['SwapOn/block']],
    ['a restart that is pending', { rebootRequired: true }, ['RebootPending/warn']],
    ['a machine that has just come up', { uptimeSeconds: 599 }, ['JustStarted/warn']],
    ['a machine that has come up', { uptimeSeconds: 600 }, []],
    ['a machine that does not say since when', { uptimeSeconds: null }, []],
  ])('%s', (_name, given, want) => {
    expect(found('1.36.4', { ...given, running: '1.36.3' })).toEqual(want);
  });
});
