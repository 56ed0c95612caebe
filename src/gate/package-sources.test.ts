import { describe, expect, it } from 'vitest';
import { surveyFindings, surveyMessages } from '../../test/support/survey-findings.ts';
import { exampleSurvey } from '../facts/example-survey.ts';
import type { NodeSurvey } from '../facts/node-survey.ts';
import { packageSources } from './package-sources.ts';

type Apt = NodeSurvey['apt'];
type Source = Apt['sources'][number];

const APT = exampleSurvey().apt;
const source = (text: string, fields: Partial<Source> = {}): Source => ({
  file: '/etc/apt/sources.list.d/kubernetes.list',
  text,
  enabled: true,
  signedBy: [],
  ...fields,
});
const of = (minor: string, base = 'https://pkgs.k8s.io/core:/stable:'): Source =>
  source(`deb ${base}/v${minor}/deb/ /`);
const debian = source('deb http://deb.debian.org/debian trixie main', { file: '/etc/apt/sources.list' });
const disabled = source('Types: deb ; Enabled: no ; URIs: https://pkgs.k8s.io/core:/stable:/v1.36/deb/ ; Suites: /', {
  file: '/etc/apt/sources.list.d/k8s.sources',
  enabled: false,
});

function found(apt: Partial<Apt>, fields: Partial<NodeSurvey> = {}, baseUrl?: string): readonly string[] {
  const options = baseUrl === undefined ? {} : { packages: { baseUrl, lockTimeoutSeconds: 300, freeMegabytes: 1 } };
  return surveyFindings(packageSources, {
    surveys: { 'worker-2': { ...fields, apt: { ...APT, sources: [of('1.36'), debian], ...apt } } },
    options,
  })
    .filter(({ message }) => message.includes('worker-2'))
    .map(({ reason, severity, message }) => `${reason}/${severity} ${/worker-2.*$/.exec(message)?.[0] ?? ''}`);
}

describe('package-sources', () => {
  it.each<[string, Partial<Apt>, string[]]>([
    ['one source is enabled', {}, []],
    ['another stanza of it is switched off', { sources: [of('1.36'), disabled] }, []],
    [
      'it is switched off',
      { sources: [disabled, debian] },
      ['SourceDisabled/block worker-2 (/etc/apt/sources.list.d/k8s.sources)'],
    ],
    [
      'it is on a mirror that the settings do not name',
      { sources: [of('1.36', 'https://mirror.example/k8s')] },
      ['SourceElsewhere/block worker-2 (/etc/apt/sources.list.d/kubernetes.list)'],
    ],
    ['there is none', { sources: [debian] }, ['SourceMissing/warn worker-2']],
    [
      'there are two minors',
      { sources: [of('1.35'), of('1.36')] },
      ['SourceOfSeveralMinors/warn worker-2 (1.35, 1.36 in /etc/apt/sources.list.d/kubernetes.list)'],
    ],
    ['one minor stands twice', { sources: [of('1.36'), of('1.36')] }, []],
    [
      'the pin is one that lets the target in',
      { pins: ['/etc/apt/preferences: Package: * ; Pin: release a=x ; Pin-Priority: 100'] },
      [],
    ],
    [
      'a pin forbids',
      { pins: ['p: Package: kubernetes-cni ; Pin: release o=x ; Pin-Priority: -1'] },
      ['PackagesPinned/warn worker-2 (p: Package: kubernetes-cni ; Pin: release o=x ; Pin-Priority: -1)'],
    ],
    [
      'a pin fixes',
      { pins: ['p: Package: cri-tools ; Pin: version 1.35* ; Pin-Priority: 900'] },
      ['PackagesPinned/warn worker-2 (p: Package: cri-tools ; Pin: version 1.35* ; Pin-Priority: 900)'],
    ],
    [
      'there are proxies and a default release, which are only facts',
      { proxies: ['Acquire::http::Proxy x'], defaultRelease: 'stable' },
      [],
    ],
  ])('when %s', (_name, apt, want) => {
    expect(found(apt)).toEqual(want);
  });

  it('goes by packages.baseUrl, with or without a slash at its end', () => {
    const sources = [of('1.36', 'https://mirror.example/k8s')];
    expect(found({ sources }, {}, 'https://mirror.example/k8s/')).toEqual([]);
  });

  describe('unattended-upgrades', () => {
    const free = { packages: exampleSurvey().packages.map((one) => ({ ...one, held: one.name === 'kubectl' })) };
    it.each<[string, readonly string[], Partial<NodeSurvey>, string[]]>([
      ['the distribution only', ['Allowed-Origins:: Debian:trixie-security'], free, []],
      ['ours, which are on hold', ['Origins-Pattern:: origin=*'], {}, []],
      [
        'ours',
        ['Origins-Pattern:: site=pkgs.k8s.io'],
        free,
        ['kubeadm, kubelet by Origins-Pattern:: site=pkgs.k8s.io'],
      ],
      ['everything', ['Origins-Pattern:: o=*'], free, ['kubeadm, kubelet by Origins-Pattern:: o=*']],
      ['ours but for a list', ['Origins-Pattern:: o=*', 'Package-Blacklist:: kube'], free, []],
      [
        'ours but for one',
        ['Allowed-Origins:: *:*', 'Package-Blacklist:: kubelet$'],
        free,
        ['kubeadm by Allowed-Origins:: *:*'],
      ],
    ])('takes %s', (_name, unattended, fields, want) => {
      expect(found({ unattended: [...unattended] }, fields)).toEqual(
        want.map((what) => `UnattendedUpgrades/warn worker-2 (${what})`),
      );
    });
  });

  it('names all nodes in one finding', () => {
    const surveys = { 'worker-2': { apt: { ...APT, sources: [debian] } }, 'cp-1': { apt: { ...APT, sources: [] } } };
    expect(surveyMessages(packageSources, { surveys })).toEqual([
      'SourceMissing/warn: there is no apt source of Kubernetes; Nightlift writes one: cp-1, worker-2',
    ]);
  });
});
