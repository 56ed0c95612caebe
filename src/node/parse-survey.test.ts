import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { surveyOutput } from '../../test/support/survey-output.ts';
import { NightliftError } from '../errors.ts';
import { parseSurvey } from './parse-survey.ts';
import { gatesOf } from './survey-kubernetes.ts';

const pack = (text: string): string => gzipSync(text).toString('base64');
const parse = (...more: readonly (readonly string[])[]) => parseSurvey(surveyOutput(...more), undefined);
const without = (key: string): string =>
  surveyOutput()
    .split('\n')
    .filter((line) => !line.startsWith(`survey.${key}`))
    .join('\n');

function problemOf(output: string): string {
  try {
    parseSurvey(output, undefined);
    return 'none';
  } catch (error) {
    expect(error).toBeInstanceOf(NightliftError);
    expect(error).toMatchObject({ kind: 'node', remedy: expect.stringContaining('survey.sh') as string });
    return (error as Error).message;
  }
}

describe('a survey', () => {
  it.each([
    ['nothing', '', 'it does not begin as one: it is empty'],
    ['a page', '<html>502 Bad Gateway</html>', 'it does not begin as one: <html>502 Bad Gateway</html>'],
    ['a shell that greets and goes', 'Willkommen!\n', 'it does not begin as one: Willkommen!'],
    ['ten megabytes', `${surveyOutput()}${'x'.repeat(10_000_000)}`, 'characters'],
    [
      'another format',
      surveyOutput().replace('survey.begin\t1', 'survey.begin\t2'),
      'it is of format 2, and 1 is read here',
    ],
    ['half of it', surveyOutput().slice(0, 900), 'it does not say kubelet-socket, etcd-servers, own-bytes, end'],
    ['all but its end', without('end'), 'it does not say end'],
    ['no system', without('os'), 'it does not say os'],
    ['no file systems', without('file-system'), 'it does not say file-system'],
    ['numbers that are none', surveyOutput().replace('16000000000', 'viel'), 'hardware.memoryBytes'],
    ['negative bytes', surveyOutput().replace('survey.own-bytes\t0', 'survey.own-bytes\t-1'), 'leftovers.bytes'],
    [
      'a file that did not come whole',
      surveyOutput(['survey.static-pod', 'etcd.yaml', 'H4sIAAAA']),
      'etcd.yaml did not come whole',
    ],
    [
      'a file that unpacks to a gigabyte',
      surveyOutput(['survey.kubelet-config', 'config.yaml', pack('a'.repeat(2_000_000))]),
      'config.yaml did not come whole',
    ],
    [
      'a kubelet config that is none',
      surveyOutput(['survey.kubelet-config', 'config.yaml', pack('featureGates: [1]\n')]),
      "the kubelet's config.yaml is not one",
    ],
    [
      'aliases without an end',
      surveyOutput([
        'survey.kubelet-config',
        'config.yaml',
        pack(
          `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
            .split('')
            .map((key, at) => `${key}: &${key} [${`*${'abcdefg'[at] ?? ''},`.repeat(9)}]\n`)
            .join('')}`,
        ),
      ]),
      'its aliases lead nowhere',
    ],
  ])('is none: %s', (_, output, why) => {
    expect(problemOf(output)).toContain(why);
  });

  it('is read after a greeting of the shell, and with lines that a newer script adds', () => {
    expect(parseSurvey(`Welcome!\n${surveyOutput(['survey.moon', 'full'])}bye\n`, undefined).os.id).toBe('debian');
  });

  it('does nothing on a terminal, and tells no password', () => {
    const survey = parse(
      ['survey.proxy', '/etc/environment', 'http_proxy=http://me:secret@proxy:3128'],
      ['survey.kubelet-flag', '/etc/default/kubelet', '--hostname-override=\u001b[2Ja'],
    );
    expect(survey.apt.proxies).toEqual(['/etc/environment http_proxy=http://***@proxy:3128']);
    expect(survey.kubelet.flags[0]?.flag).toBe('--hostname-override=\\u001b[2Ja');
  });

  it.each([
    [0, 0],
    [8, 0],
    [-1, 0],
    [-61, -60],
    [71, 60],
  ])('has a clock that is %i s after the first look at the API server, which is %i s off', (after, offset) => {
    // The two looks are ten seconds apart.
    expect(
      parseSurvey(surveyOutput(), {
        before: new Date((1_795_302_000 - after) * 1000),
        after: new Date((1_795_302_010 - after) * 1000),
      }).clockOffsetSeconds,
    ).toBe(offset);
  });

  it('has a clock that nobody can judge without the time of the API server', () => {
    expect(parse().clockOffsetSeconds).toBeNull();
  });
});

describe('the packages of a survey', () => {
  it('come from lines and stanzas, each with its keyrings and whether it is switched on', () => {
    const { sources } = parse(
      ['survey.apt-source', '/etc/apt/sources.list', 'deb [arch=amd64 signed-by=/a.gpg,/b.gpg] http://x/ y main'],
      [
        'survey.apt-source',
        '/etc/apt/sources.list.d/a.sources',
        'Types: deb ; URIs: http://x/ ; Enabled: NO ; Signed-By: /c.gpg',
      ],
      ['survey.apt-source', '/etc/apt/sources.list.d/b.sources', 'Types: deb ; URIs: http://x/ ; Signed-By: inline'],
    ).apt;
    expect(sources.slice(1).map(({ enabled, signedBy }) => [enabled, signedBy])).toEqual([
      [true, ['/a.gpg', '/b.gpg']],
      [false, ['/c.gpg']],
      [true, ['inline']],
    ]);
  });

  it.each([
    ['ii', false, true],
    ['hi', true, true],
    ['hF', true, false],
    ['iU', false, false],
    ['rH', false, false],
  ])('with the status %s: held %s, installed %s', (status, held, installed) => {
    const { packages } = parse(['survey.package', status, 'vim', '1:9']);
    expect(packages.find(({ name }) => name === 'vim')).toEqual({ name: 'vim', version: '1:9', held, installed });
  });

  it('tell what unattended-upgrades may take, only when it is on', () => {
    const origins = ['survey.apt-config', 'Unattended-Upgrade::Origins-Pattern::', 'site=pkgs.k8s.io'];
    expect(parse(origins).apt.unattended).toEqual([]);
    expect(parse(origins, ['survey.apt-config', 'APT::Periodic::Unattended-Upgrade', '0']).apt.unattended).toEqual([]);
    expect(parse(origins, ['survey.apt-config', 'APT::Periodic::Unattended-Upgrade', '1']).apt.unattended).toEqual([
      'Origins-Pattern:: site=pkgs.k8s.io',
    ]);
  });

  it('have locks with who holds them, and for how long', () => {
    expect(
      parse(
        ['survey.apt-lock', '/var/lib/dpkg/lock', '42', 'apt-get', '1795301000'],
        ['survey.apt-lock', '/var/lib/apt/lists/lock', '43', '', ''],
      ).apt.locks,
    ).toEqual([
      { file: '/var/lib/dpkg/lock', pid: 42, program: 'apt-get', seconds: 1000 },
      { file: '/var/lib/apt/lists/lock', pid: 43, program: '', seconds: null },
    ]);
  });
});

describe('the kubelet of a survey', () => {
  it('has what decides whether it starts, from flags and config together', () => {
    const config =
      'kind: KubeletConfiguration\nfailSwapOn: false\nstaticPodURLHeader: {Authorization: [secret]}\nfeatureGates:\n  A: true\n  B: true\n';
    const { kubelet } = parse(
      ['survey.kubelet-config', 'config.yaml', pack(config)],
      ['survey.kubelet-config', 'instance-config.yaml', pack('containerRuntimeEndpoint: unix:///x.sock\n')],
      ['survey.kubelet-flag', '/etc/default/kubelet', '--feature-gates=B=false,C=true'],
    );
    expect(kubelet.config).toEqual({ failSwapOn: false, containerRuntimeEndpoint: 'unix:///x.sock' });
    expect(kubelet.featureGates).toEqual({ A: true, B: false, C: true });
    expect(JSON.stringify(kubelet)).not.toContain('secret');
  });

  it('has a value that is a word of its own with its flag, in its own command line and in those of static pods', () => {
    const command = ['kube-apiserver', '--feature-gates', 'C=true', '--v=2', '--profiling', '--secure-port', '6443'];
    const pod = JSON.stringify({
      kind: 'Pod',
      metadata: { name: 'kube-apiserver' },
      spec: { containers: [{ name: 'a', command: command.slice(0, 2), args: command.slice(2) }] },
    });
    const survey = parse(
      ...['--v', '1', '--seccomp-default', '--feature-gates', 'A=true,B=false', '--node-ip=::1'].map((word) => [
        'survey.kubelet-argument',
        word,
      ]),
      ['survey.static-pod', 'kube-apiserver.yaml', pack(pod)],
    );
    expect(survey.kubelet.arguments).toEqual([
      '--v=1',
      '--seccomp-default',
      '--feature-gates=A=true,B=false',
      '--node-ip=::1',
    ]);
    expect(survey.kubelet.featureGates).toEqual({ A: true, B: false });
    expect(survey.staticPods[0]?.arguments).toEqual([
      'kube-apiserver',
      '--feature-gates=C=true',
      '--v=2',
      '--profiling',
      '--secure-port=6443',
    ]);
  });

  it.each([
    ['--feature-gates=A=true,b=true,C=no', { A: true, C: false }],
    ['--feature-gates=', {}],
    ['--v=2', {}],
  ])('%s sets %o', (flag, gates) => {
    expect(gatesOf(flag)).toEqual(gates);
  });
});

describe('the static pods of a survey', () => {
  const pod = `apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver}
spec:
  initContainers: [{name: a, image: x/a:1}]
  containers:
  - {name: kube-apiserver, image: x/kube-apiserver:v1.36.3, command: [kube-apiserver, "--etcd-servers=https://u:p@e:2379"]}
  - {name: kms, image: x/kms:1, args: [--verbose]}
  volumes: [{name: pki, hostPath: {path: /etc/kubernetes/pki}}, {name: e, emptyDir: {}}]
`;
  it('have their containers, arguments without passwords, and what they mount of the host', () => {
    expect(parse(['survey.static-pod', 'kube-apiserver.yaml', pack(pod)]).staticPods).toEqual([
      {
        file: 'kube-apiserver.yaml',
        pod: 'kube-apiserver',
        images: ['x/a:1', 'x/kube-apiserver:v1.36.3', 'x/kms:1'],
        arguments: ['kube-apiserver', '--etcd-servers=https://***@e:2379', '--verbose'],
        containers: ['a', 'kube-apiserver', 'kms'],
        volumes: ['pki=/etc/kubernetes/pki'],
      },
    ]);
  });

  it.each([
    ['a note', pack('remember the milk')],
    ['no YAML', pack('a: [')],
    ['a file that is too large', 'too-large'],
  ])('are none: %s, which is named all the same', (_, packed) => {
    expect(parse(['survey.static-pod', 'notes.txt', packed]).staticPods).toMatchObject([
      { file: 'notes.txt', pod: null },
    ]);
  });
});

describe('the certificates of a survey', () => {
  const der = (tag: string, text: string): string =>
    `${tag}${text.length.toString(16).padStart(2, '0')}${Buffer.from(text).toString('hex')}`;
  it.each([
    ['17', '270901235959Z', '2027-09-01T23:59:59.000Z'],
    ['17', '490101000000Z', '2049-01-01T00:00:00.000Z'],
    ['17', '500101000000Z', '1950-01-01T00:00:00.000Z'],
    ['18', '20510102030405Z', '2051-01-02T03:04:05.000Z'],
  ])('end at the time with the tag %s, %s', (tag, text, endsAt) => {
    expect(parse(['survey.certificate', '/a.crt', der(tag, text)]).certificates).toEqual([
      { file: '/a.crt', startsAt: null, endsAt },
    ]);
  });

  it('are named when their end cannot be read', () => {
    expect(parse(['survey.certificate', '/a.crt', '']).certificates).toEqual([
      { file: '/a.crt', startsAt: null, endsAt: null },
    ]);
  });
});

describe('etcd in a survey', () => {
  const members = JSON.stringify({ members: [{ name: 'cp-1' }, { name: 'cp-2', isLearner: true }] });
  const status = JSON.stringify([{ Status: { version: '3.6.8', dbSize: 4096 } }]);
  const answers = (alarms: string) => [
    ['survey.etcd', '/data/etcd', 'https://127.0.0.1:2379,https://[fd00::1]:2379', '8589934592'],
    ['survey.etcd-answer', 'member list', members],
    ['survey.etcd-answer', 'endpoint status', status],
    ['survey.etcd-answer', 'alarm list', alarms],
  ];
  it('is here, with what it says of itself', () => {
    expect(parse(...answers('{"alarms":[{"memberID":1,"alarm":1},{"memberID":2,"alarm":9}]}')).etcd).toEqual({
      where: 'here',
      state: {
        known: true,
        value: {
          version: '3.6.8',
          dataDirectory: '/data/etcd',
          listenUrls: ['https://127.0.0.1:2379', 'https://[fd00::1]:2379'],
          members: [
            { name: 'cp-1', learner: false },
            { name: 'cp-2', learner: true },
          ],
          databaseBytes: 4096,
          directoryBytes: null,
          quotaBytes: 8_589_934_592,
          alarms: ['NOSPACE', 'alarm 9'],
        },
      },
    });
  });

  it('is here and unknown when one of its answers is not one of etcd', () => {
    expect(parse(...answers('Error: context deadline exceeded')).etcd).toMatchObject({
      where: 'here',
      state: { known: false, why: expect.stringContaining('alarm list: Error: context deadline exceeded') as string },
    });
    expect(parse(['survey.etcd', '/x', '', ''], ['survey.etcd-silent', 'no etcd runs']).etcd.state).toEqual({
      known: false,
      why: 'no etcd runs',
    });
  });

  it('is elsewhere when the API server is told of one and there is no manifest', () => {
    const output = surveyOutput().replace('survey.etcd-servers\t', 'survey.etcd-servers\thttps://etcd.example:2379');
    expect(parseSurvey(output, undefined).etcd).toEqual({ where: 'elsewhere', state: null });
  });
});
