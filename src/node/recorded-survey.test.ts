import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { NodeSurvey } from '../facts/node-survey.ts';
import { parseSurvey } from './parse-survey.ts';

const KILOBYTE = 1024;

/** Of real nodes with a greeting shell and much that others have (test/fixtures/recorded/README.md). */
function recorded(role: 'control-plane' | 'worker'): { readonly text: string; readonly survey: NodeSurvey } {
  const file = new URL(`../../test/fixtures/recorded/survey/${role}.tsv`, import.meta.url);
  const text = readFileSync(file, 'utf8');
  return { text, survey: parseSurvey(text, undefined) };
}

describe('what survey.sh said of a real control plane', () => {
  const { text, survey } = recorded('control-plane');

  it('is small, and begins with what its shell greets with', () => {
    expect(text.length).toBeLessThan(20 * KILOBYTE);
    expect(text).toMatch(/^Welcome to /);
  });

  it('has the machine, and what is behind each directory that matters', () => {
    expect(survey).toMatchObject({
      os: { id: 'debian', version: '12' },
      architecture: 'x86_64',
      hardware: { virtualisation: 'podman', cpus: 2, nics: [] },
      cgroup: 'v1',
      swapBytes: 0,
      missingTools: [],
      rebootRequired: false,
    });
    expect(survey.fileSystems.map(({ path, mount, type }) => `${path} ${mount} ${type}`)).toEqual([
      '/ / overlay',
      '/usr / overlay',
      '/var / overlay',
      '/var/lib /var/lib ext4',
      '/tmp /tmp tmpfs',
      '/etc/kubernetes / overlay',
      '/var/lib/kubelet /var/lib/kubelet ext4',
      '/var/lib/containerd /var/lib ext4',
      '/srv/etcd / overlay',
    ]);
    for (const { bytes, freeBytes, inodes, readOnly, noexec } of survey.fileSystems) {
      expect([bytes > freeBytes || freeBytes === bytes, freeBytes > 1e9, inodes > 0]).toEqual([true, true, true]);
      expect([readOnly, noexec]).toEqual([false, false]);
    }
  });

  it('has apt as it is set up there: stanzas with their keyrings, the proxy, what is on hold', () => {
    expect(survey.apt.sources.map(({ enabled, signedBy }) => ({ enabled, signedBy }))).toEqual(
      [true, false, true].map((enabled) => ({ enabled, signedBy: ['/usr/share/keyrings/third-party.gpg'] })),
    );
    expect(survey.apt.sources.at(-1)?.text).toContain('http://192.0.2.1:8080/core:/stable:/v1.36/deb/');
    expect(survey.apt).toMatchObject({ proxies: ['Acquire::http::Proxy http://192.0.2.1:3128'], locks: [], pins: [] });
    expect(survey.packages.filter(({ held }) => held).map(({ name }) => name)).toEqual([
      'cri-tools',
      'kubeadm',
      'kubectl',
      'kubelet',
    ]);
    expect(survey.packages.every(({ installed, version }) => installed && version !== '')).toBe(true);
  });

  it('has both sockets, and which of them the kubelet uses', () => {
    expect(survey.runtime).toEqual({
      sockets: ['/run/containerd/containerd.sock', '/run/crio/crio.sock'],
      socket: 'unix:///run/containerd/containerd.sock',
      root: '/var/lib/containerd',
      configVersion: 2,
      sandboxImage: 'registry.k8s.io/pause:3.10.1',
    });
  });

  it('has the kubelet’s command line, and each flag in the file that it stands in, once', () => {
    expect(survey.kubelet).toEqual({
      active: 'active',
      arguments: [
        '--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf',
        '--kubeconfig=/etc/kubernetes/kubelet.conf',
        '--config=/var/lib/kubelet/config.yaml',
        '--node-ip=192.0.2.11',
        '--v=1',
        '--max-open-files=8192',
      ],
      flags: [
        { file: '/var/lib/kubelet/kubeadm-flags.env', flag: '--node-ip=192.0.2.11' },
        { file: '/etc/systemd/system/kubelet.service.d/20-vendor.conf', flag: '--max-open-files=8192' },
        ...[
          '--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf',
          '--kubeconfig=/etc/kubernetes/kubelet.conf',
          '--config=/var/lib/kubelet/config.yaml',
        ].map((flag) => ({ file: '/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf', flag })),
        { file: '/etc/kubelet-vendor.env', flag: '--v=1' },
      ],
      config: {
        failSwapOn: false,
        failCgroupV1: false,
        cgroupDriver: 'cgroupfs',
        containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
        staticPodPath: '/etc/kubernetes/manifests',
        rotateCertificates: true,
      },
      featureGates: {},
    });
  });

  it('has static pods, patches, and the ends of all certificates', () => {
    expect(survey.staticPods.map(({ file, pod, images }) => `${file} ${pod ?? ''} ${images.join(' ')}`)).toEqual([
      'etcd.yaml etcd registry.k8s.io/etcd:3.6.8-0',
      'kube-apiserver.yaml kube-apiserver registry.k8s.io/kube-apiserver:v1.36.3',
      'kube-controller-manager.yaml kube-controller-manager registry.k8s.io/kube-controller-manager:v1.36.3',
      'kube-scheduler.yaml kube-scheduler registry.k8s.io/kube-scheduler:v1.36.3',
    ]);
    expect(survey.staticPods[0]?.volumes).toEqual(['etcd-certs=/etc/kubernetes/pki/etcd', 'etcd-data=/srv/etcd']);
    expect(survey.patches).toEqual([
      '/etc/kubernetes/patches/kube-apiserver0+strategic.yaml',
      '/etc/kubernetes/patches/kubeletconfiguration0+merge.yaml',
    ]);
    expect(survey.certificates).toHaveLength(15);
    for (const { startsAt, endsAt } of survey.certificates)
      expect([startsAt, endsAt]).toEqual([
        expect.stringMatching(/^2026-/) as string,
        expect.stringMatching(/^20(27|36)-/) as string,
      ]);
  });

  it('has its etcd, whose data is elsewhere', () => {
    expect(survey.etcd).toEqual({
      where: 'here',
      state: {
        known: true,
        value: {
          version: '3.6.8',
          dataDirectory: '/srv/etcd',
          listenUrls: ['https://127.0.0.1:2379', 'https://192.0.2.11:2379'],
          members: [{ name: 'cp1.rack-a.example', learner: false }],
          databaseBytes: expect.any(Number) as number,
          directoryBytes: expect.any(Number) as number,
          quotaBytes: null,
          alarms: [],
        },
      },
    });
  });
});

describe('what survey.sh said of a real worker', () => {
  const { text, survey } = recorded('worker');

  it('is smaller, and has nothing of a control plane', () => {
    expect(text.length).toBeLessThan(8 * KILOBYTE);
    expect(survey).toMatchObject({
      staticPods: [],
      etcd: { where: 'none', state: null },
      backups: { count: 0, bytes: 0 },
      leftovers: { staged: [], units: [], sourceChanged: [], bytes: 0 },
      kubelet: { active: 'active' },
    });
    expect(survey.certificates.map(({ file }) => file)).toEqual([
      '/etc/kubernetes/pki/ca.crt',
      '/var/lib/kubelet/pki/kubelet-client-current.pem',
    ]);
    expect(survey.apt.sources.map(({ signedBy }) => signedBy[0])).toEqual([
      '/usr/share/keyrings/distribution.gpg',
      '/usr/share/keyrings/distribution.gpg',
      '/etc/apt/keyrings/kubernetes.asc',
    ]);
  });
});
