import { describe, expect, it } from 'vitest';
import { surveyMessages } from '../../test/support/survey-findings.ts';
import { exampleControlPlaneSurvey } from '../facts/example-survey.ts';
import { staticPods } from './static-pods.ts';

const own = exampleControlPlaneSurvey().staticPods;
const file = (name: string, pod: string | null) => ({
  file: name,
  pod,
  images: [],
  arguments: [],
  containers: [],
  volumes: [],
});

describe('static-pods', () => {
  it('has nothing to say of those of kubeadm, and of others beside them', () => {
    expect(
      surveyMessages(staticPods, { surveys: { 'cp-1': { staticPods: [...own, file('vip.yaml', 'kube-vip')] } } }),
    ).toEqual([]);
  });

  it('refuses a copy that is a second pod, whatever its name', () => {
    expect(
      surveyMessages(staticPods, { surveys: { 'cp-1': { staticPods: [...own, file('etcd.yaml.backup', 'etcd')] } } }),
    ).toEqual([
      'StaticPodTwice/block: several files are a manifest of one static pod; which of them the kubelet runs is chance: cp-1 (etcd: etcd.yaml, etcd.yaml.backup)',
    ]);
  });

  it('says what is no manifest, on all nodes', () => {
    const notes = [file('README', null), file('empty.yaml', null)];
    expect(
      surveyMessages(staticPods, {
        surveys: { 'cp-1': { staticPods: [...own, ...notes] }, 'worker-2': { staticPods: notes.slice(0, 1) } },
      }),
    ).toEqual([
      'NoManifest/warn: files in /etc/kubernetes/manifests that are no manifest of a pod; the kubelet reports them as errors: cp-1 (README; empty.yaml), worker-2 (README)',
    ]);
  });
});
