import { describe, expect, it } from 'vitest';
import { surveyFindings, surveyMessages } from '../../test/support/survey-findings.ts';
import { exampleControlPlaneSurvey, exampleSurvey } from '../facts/example-survey.ts';
import type { NodeSurvey } from '../facts/node-survey.ts';
import { componentFlags } from './component-flags.ts';

const FLAGS_ENV = '/var/lib/kubelet/kubeadm-flags.env';
const DEFAULT = '/etc/default/kubelet';

type Kubelet = NodeSurvey['kubelet'];
const kubelet = (fields: Partial<Kubelet>): Partial<NodeSurvey> => ({
  kubelet: { ...exampleSurvey().kubelet, ...fields },
});
const inFile = (file: string, ...flags: readonly string[]): Partial<NodeSurvey> =>
  kubelet({ flags: flags.map((flag) => ({ file, flag })), arguments: [...flags] });
const component = (pod: string, ...given: readonly string[]): Partial<NodeSurvey> => ({
  staticPods: exampleControlPlaneSurvey().staticPods.map((one) =>
    one.pod === pod ? { ...one, arguments: [pod, ...given] } : one,
  ),
});

function found(target: string, running: string, fields: Partial<NodeSurvey>, node = 'worker-2'): readonly string[] {
  return surveyFindings(componentFlags, { target, running, surveys: { [node]: fields } }).map(
    ({ reason, severity, message }) => `${reason}/${severity} ${message.slice(message.lastIndexOf(`${node} (`))}`,
  );
}

describe('component-flags', () => {
  it.each<[string, string, string, Partial<NodeSurvey>, string[]]>([
    ['nothing of its own', '1.37.1', '1.36.4', {}, []],
    [
      'a flag that 1.37 has no more, in a drop-in',
      '1.37.1',
      '1.36.4',
      inFile('/etc/systemd/system/kubelet.service.d/20-own.conf', '--containerd=/run/x.sock'),
      ['FlagRemoved/block worker-2 (--containerd in /etc/systemd/system/kubelet.service.d/20-own.conf)'],
    ],
    [
      'it in the running kubelet only, written with underscores',
      '1.37.1',
      '1.36.4',
      kubelet({ arguments: ['--boot_id_file', '/x'] }),
      ['FlagRemoved/block worker-2 (--boot-id-file in the running kubelet)'],
    ],
    ['it before 1.37', '1.36.4', '1.36.3', inFile(DEFAULT, '--containerd=/run/x.sock'), []],
    [
      'the sandbox image in what a person writes',
      '1.36.4',
      '1.35.8',
      inFile(DEFAULT, '--pod-infra-container-image=x'),
      [`FlagRemoved/block worker-2 (--pod-infra-container-image in ${DEFAULT})`],
    ],
    [
      'it in the file that kubeadm 1.35 mends',
      '1.35.8',
      '1.34.5',
      inFile(FLAGS_ENV, '--pod-infra-container-image=x'),
      ['FlagsNotKnown/warn '],
    ],
    [
      'it in another file, which kubeadm 1.35 does not mend',
      '1.35.8',
      '1.34.5',
      inFile(DEFAULT, '--pod-infra-container-image=x'),
      [`FlagRemoved/block worker-2 (--pod-infra-container-image in ${DEFAULT})`, 'FlagsNotKnown/warn '],
    ],
    [
      'another flag in the file that it mends',
      '1.35.8',
      '1.33.5',
      inFile(FLAGS_ENV, '--cloud-config=x'),
      [`FlagRemoved/block worker-2 (--cloud-config in ${FLAGS_ENV})`, 'FlagsNotKnown/warn '],
    ],
    [
      'it in that file, which no other kubeadm mends',
      '1.36.4',
      '1.34.5',
      inFile(FLAGS_ENV, '--pod-infra-container-image=x'),
      [`FlagRemoved/block worker-2 (--pod-infra-container-image in ${FLAGS_ENV})`],
    ],
    [
      'gates that are gone',
      '1.37.1',
      '1.36.4',
      kubelet({ featureGates: { SidecarContainers: true, TopologyManagerPolicyOptions: true } }),
      ["FeatureGateRemoved/block worker-2 (SidecarContainers in the kubelet's config file or arguments)"],
    ],
    [
      'gates that have one value only, in a flag file',
      '1.36.4',
      '1.35.8',
      kubelet({
        featureGates: { ImageVolume: false, ProcMountType: true },
        flags: [{ file: DEFAULT, flag: '--feature-gates=ImageVolume=false,ProcMountType=true' }],
      }),
      [`FeatureGateLocked/block worker-2 (ImageVolume=false in ${DEFAULT})`],
    ],
    [
      'a gate with the name of something else',
      '1.37.1',
      '1.36.4',
      kubelet({ featureGates: { constructor: true } }),
      [],
    ],
  ])('of a kubelet with %s for %s', (_name, target, running, fields, want) => {
    expect(
      found(target, running, fields).map((one) => one.replace(/FlagsNotKnown\/warn .*/, 'FlagsNotKnown/warn ')),
    ).toEqual(want);
  });

  it.each<[string, Partial<NodeSurvey>, string[]]>([
    [
      'a flag of the controller-manager',
      component('kube-controller-manager', '--concurrent-service-syncs=2'),
      ['FlagRemoved/block cp-1 (--concurrent-service-syncs in /etc/kubernetes/manifests/kube-controller-manager.yaml)'],
    ],
    [
      'a flag of another component than that which lost it',
      component('kube-apiserver', '--concurrent-service-syncs=2'),
      [],
    ],
    [
      'gates',
      component('kube-apiserver', '--feature-gates=AnonymousAuthConfigurableEndpoints=true,HostnameOverride=false'),
      [
        'FeatureGateRemoved/block cp-1 (AnonymousAuthConfigurableEndpoints in /etc/kubernetes/manifests/kube-apiserver.yaml)',
        'FeatureGateLocked/block cp-1 (HostnameOverride=false in /etc/kubernetes/manifests/kube-apiserver.yaml)',
      ],
    ],
  ])('sees of static pods %s', (_name, fields, want) => {
    expect(found('1.37.1', '1.36.4', fields, 'cp-1')).toEqual(want);
  });

  it('says that it does not know a minor, with the gates that are set, and says no such thing inside one', () => {
    const surveys = { 'worker-2': kubelet({ featureGates: { NewThing: true } }) };
    expect(surveyMessages(componentFlags, { target: '1.38.1', running: '1.37.1', surveys })).toEqual([
      'FlagsNotKnown/warn: which flags and feature gates 1.38 removes is not known to this version of Nightlift, so these were not held against it: cp-1, worker-1, worker-2 (with the feature gates NewThing)',
    ]);
    const inside = { target: '1.38.2', running: '1.38.1', surveys };
    expect(surveyMessages(componentFlags, inside)).toEqual([]);
    const behind = { 'cp-1': { apiServer: '1.37.1' }, 'worker-1': { kubelet: '1.37.1' }, 'cp-2': { apiServer: null } };
    expect(surveyMessages(componentFlags, { ...inside, nodes: behind })).toEqual([
      expect.stringMatching(/^FlagsNotKnown.*: cp-1, worker-1, cp-2$/),
    ]);
  });

  it('holds what was removed before against minors that it does not know', () => {
    expect(found('1.39.1', '1.36.4', inFile(DEFAULT, '--containerd=x'))[0]).toBe(
      `FlagRemoved/block worker-2 (--containerd in ${DEFAULT})`,
    );
  });
});
