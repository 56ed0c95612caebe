import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KUBEADM_IMAGES } from '../../src/facts/image-sources.ts';
import {
  createAptNode,
  createMaker,
  filesOf,
  scripts,
  serve,
  sign,
  missing as withoutApt,
  writeRepository,
} from '../components/apt-node.ts';
import { kubePrograms } from './kube-programs.ts';

const TARGET = '1.36.4';
const programs = await kubePrograms(TARGET);
const missing = withoutApt || ('missing' in programs ? ` (${programs.missing})` : withoutUnshare());

function withoutUnshare(): string {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/run'], { stdio: 'ignore' });
    return '';
  } catch {
    return ' (no mounts of its own on this machine)';
  }
}

/** A /run of its own, with two runtimes that say who asked them and hang up; then the script. */
const WITH_TWO_RUNTIMES = `
mount -t tmpfs tmpfs /run
mkdir /run/containerd /run/crio
perl -MIO::Socket::UNIX -e '
  my @sockets = map { IO::Socket::UNIX->new(Local => $_, Listen => 5) or die } @ARGV;
  open(my $ready, ">", "/run/ready") or die;
  while (1) {
    my $set = ""; vec($set, fileno($_), 1) = 1 for @sockets;
    select($set, undef, undef, undef);
    for (@sockets) { if (vec($set, fileno($_), 1)) { close $_->accept; syswrite(STDERR, "asked: " . $_->hostpath . "\\n") } }
  }' /run/containerd/containerd.sock /run/crio/crio.sock </dev/null &
until [ -e /run/ready ]; do sleep 0.1; done
bash -s
code=$?
kill $!
exit $code
`;

describe.skipIf(missing !== '')(`a node with two container runtimes, real kubeadm and real apt${missing}`, () => {
  it.each([
    [
      "the kubelet's own runtime alone for images, which its configuration names",
      'containerRuntimeEndpoint: unix:///run/crio/crio.sock\n',
      ['crio'],
    ],
    ['both of them where nothing names one, and fetches nothing', '', ['containerd', 'crio']],
  ])('kubeadm asks %s', { timeout: 120_000 }, async (_title, kubeletConfig, asked) => {
    const work = mkdtempSync(join(tmpdir(), 'nightlift-socket-'));
    chmodSync(work, 0o755);
    const maker = createMaker(join(work, 'maker'), 'kubernetes');
    const server = await serve(filesOf(join(work, 'www')));
    try {
      const kubeadm = 'missing' in programs ? '' : join(programs.directory, 'kubeadm');
      const repository = join(work, 'www/core:/stable:/v1.36/deb');
      const version = `${TARGET}-1.1`;
      writeRepository(repository, [
        { name: 'kubeadm', version, program: `exec ${kubeadm} "$@"` },
        { name: 'kubelet', version },
        { name: 'kubectl', version },
      ]);
      sign(repository, maker.armored(), maker);
      const node = createAptNode(join(work, 'node'));
      node.put('var/lib/kubelet/config.yaml', `kind: KubeletConfiguration\n${kubeletConfig}`);
      node.put('two-runtimes.sh', WITH_TWO_RUNTIMES);
      const script = scripts.stage({
        node: 'w1',
        machineId: '',
        repoBase: `${server.url}/core:/stable:`,
        lockTimeoutSeconds: 5,
        target: TARGET,
        role: 'first-control-plane',
        keyFingerprints: [],
        keyWarnDays: 1,
        neededBytes: 1,
        images: KUBEADM_IMAGES,
      });
      const { exitCode, output } = await node.run(script, ['unshare', '-m', 'bash', node.path('two-runtimes.sh')]);
      // Neither of them has an image to give.
      expect(exitCode, output).toBe(24);
      const sockets = [...output.matchAll(/^asked: \/run\/(\w+)\//gm)].map(([, name]) => name);
      expect(new Set(sockets)).toEqual(new Set(asked));
    } finally {
      server.close();
      maker.end();
      rmSync(work, { recursive: true, force: true });
    }
  });
});
