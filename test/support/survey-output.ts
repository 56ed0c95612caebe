/** What survey.sh prints of a worker that everything is well with; a test adds lines to it. */
export function surveyOutput(...more: readonly (readonly string[])[]): string {
  const lines: readonly (readonly string[])[] = [
    ['package.kubelet', '1.36.3-1.1 hold installed'],
    ['free.root', '60000000000'],
    ['free.var', '60000000000'],
    ['kubelet', 'active'],
    ['survey.begin', '1', '1795302000'],
    ['survey.os', 'debian', '13', 'Debian GNU/Linux 13 (trixie)'],
    ['survey.kernel', '6.12.0', 'x86_64'],
    ['survey.hardware', 'kvm', 'Example', 'Virtual Machine', '4', 'Example CPU', '16000000000', '0'],
    ['survey.cgroup', 'v2'],
    ['survey.uptime', '864000.12'],
    ...['/', '/usr', '/var', '/tmp', '/etc/kubernetes', '/var/lib/kubelet'].map((path) => [
      'survey.file-system',
      path,
      '/',
      'ext4',
      '100000000000',
      '60000000000',
      '6000000',
      '5000000',
      'rw,relatime',
    ]),
    [
      'survey.apt-source',
      '/etc/apt/sources.list.d/kubernetes.list',
      'deb [signed-by=/etc/apt/keyrings/kubernetes-apt-keyring.gpg] https://pkgs.k8s.io/core:/stable:/v1.36/deb/ /',
    ],
    ...['kubeadm', 'kubelet', 'kubectl'].map((name) => ['survey.package', 'hi', name, '1.36.3-1.1']),
    ['survey.kubelet-socket', 'unix:///run/containerd/containerd.sock'],
    ...more,
    ['survey.etcd-servers', ''],
    ['survey.own-bytes', '0'],
    ['survey.end'],
  ];
  return lines.map((line) => `${line.join('\t')}\n`).join('');
}

/** Of a control plane as kubeadm sets one up, with an etcd of one member. */
function controlPlaneSurveyOutput(): string {
  return surveyOutput(
    ['survey.etcd-servers', 'https://127.0.0.1:2379'],
    ['survey.etcd', '/var/lib/etcd', 'https://127.0.0.1:2379', ''],
    ['survey.etcd-answer', 'member list', '{"members":[{"name":"cp-1"}]}'],
    ['survey.etcd-answer', 'endpoint status', '[{"Status":{"version":"3.6.8","dbSize":64000000}}]'],
    ['survey.etcd-answer', 'alarm list', '{}'],
  );
}

/** As a node of this name answers: those of our examples are called by what they are. */
export function surveyOutputOf(name: string): string {
  return name.startsWith('cp') ? controlPlaneSurveyOutput() : surveyOutput();
}
