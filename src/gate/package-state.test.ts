import { describe, expect, it } from 'vitest';
import { surveyFindings } from '../../test/support/survey-findings.ts';
import { exampleSurvey } from '../facts/example-survey.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import type { NodeSurvey } from '../facts/node-survey.ts';
import { packageState } from './package-state.ts';

type Package = NodeSurvey['packages'][number];
type Lock = NodeSurvey['apt']['locks'][number];

const all = (fields: Partial<Package>, ...names: readonly string[]): { packages: Package[] } => ({
  packages: exampleSurvey().packages.map((one) => (names.includes(one.name) ? { ...one, ...fields } : one)),
});
const without = (...names: readonly string[]): Partial<NodeSurvey> => ({
  packages: exampleSurvey().packages.filter(({ name }) => !names.includes(name)),
});
const foreign: Package = { name: 'libfoo', version: '1.0-1', held: false, installed: false };
const locked = (seconds: number | null, program = 'unattended-upgr'): Partial<NodeSurvey> => {
  const lock: Lock = { file: '/var/lib/dpkg/lock-frontend', pid: 812, program, seconds };
  return { apt: { ...exampleSurvey().apt, locks: [lock] } };
};

function found(fields: Partial<NodeSurvey>, node: Partial<NodeFact> = {}): readonly string[] {
  return surveyFindings(packageState, { surveys: { 'worker-2': fields }, nodes: { 'worker-2': node } }).map(
    ({ reason, severity, message }) => `${reason}/${severity} ${/worker-2.*$/.exec(message)?.[0] ?? ''}`,
  );
}

describe('package-state', () => {
  it.each<[string, Partial<NodeSurvey>, string[]]>([
    ['all is well', {}, []],
    [
      'a package is half installed, ours or not',
      { packages: [...all({ installed: false }, 'kubectl').packages, foreign] },
      ['PackagesBroken/block worker-2 (kubectl 1.36.3-1.1; libfoo 1.0-1)'],
    ],
    [
      'a package is half installed while dpkg is at work',
      { packages: [...exampleSurvey().packages, foreign], ...locked(10) },
      ['PackagesBroken/warn worker-2 (libfoo 1.0-1)'],
    ],
    ['the kubelet is no package', without('kubelet'), ['KubeletNotPackaged/block worker-2 (kubelet)']],
    [
      'kubectl and kubeadm are not there',
      without('kubeadm', 'kubectl'),
      ['PackageMissing/warn worker-2 (kubeadm; kubectl)'],
    ],
    [
      'kubectl is newer than the target',
      all({ version: '1.37.1-1.1' }, 'kubectl'),
      ['PackageNewer/block worker-2 (kubectl 1.37.1-1.1)', 'PackageDiffers/warn worker-2 (kubectl 1.37.1-1.1)'],
    ],
    [
      'the package was replaced and the kubelet not restarted',
      all({ version: '1.36.4-1.1' }, 'kubelet'),
      ['PackageDiffers/warn worker-2 (kubelet 1.36.4-1.1)'],
    ],
    [
      'its version is none of ours',
      all({ version: 'own-build' }, 'kubelet'),
      ['PackageDiffers/warn worker-2 (kubelet own-build)'],
    ],
    [
      'they are not held',
      all({ held: false }, 'kubelet', 'kubeadm'),
      ['PackageNotHeld/warn worker-2 (kubeadm; kubelet)'],
    ],
    ['the lock is held for as long as apt waits', locked(300), []],
    [
      'the lock is held for an hour',
      locked(3900),
      ['PackageLockHeld/warn worker-2 (unattended-upgr, pid 812, for 1 h 5 min, /var/lib/dpkg/lock-frontend)'],
    ],
    [
      'nobody knows since when',
      locked(null, ''),
      ['PackageLockHeld/warn worker-2 (a program, pid 812, since when is not known, /var/lib/dpkg/lock-frontend)'],
    ],
  ])('when %s', (_name, fields, want) => {
    expect(found(fields)).toEqual(want);
  });

  it.each<[string, Partial<NodeFact>]>([
    ['its step has begun', { unfinished: '1.36.4' }],
    ['we have cordoned it', { cordonedBy: '1.36.4' }],
  ])('leaves a node to its own step when %s', (_name, node) => {
    const broken = { packages: [...all({ installed: false, held: false }, 'kubelet').packages.slice(1), foreign] };
    expect(found({ ...broken, ...locked(9000) }, node)).toEqual([]);
  });
});
