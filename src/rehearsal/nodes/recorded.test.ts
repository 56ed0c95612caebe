import { existsSync, readFileSync } from 'node:fs';
import { assert, describe, expect, it } from 'vitest';
import type { CommandResult } from '../../node/node-shell.ts';
import { startTestBench, type TestBench } from './test-bench.ts';

/** Output of real programs, recorded by the lab (test/fixtures/recorded). */
interface Recording {
  readonly exitCode: number;
  readonly lines: ReadonlySet<string>;
}

function recording(name: string): Recording | undefined {
  const file = new URL(`../../../test/fixtures/recorded/${name}.txt`, import.meta.url);
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, 'utf8');
  return { exitCode: Number(/^exit (\d+)$/m.exec(text)?.[1]), lines: new Set(text.split('\n').map(comparable)) };
}

/** Without what differs from run to run: addresses, times, random names, counts, versions, nodes. */
function comparable(line: string): string {
  return line
    .replaceAll(/https?:\/\/[^\s'"]+?(\/v1\.\d+\/deb|\/debian)/g, 'URL$1')
    .replaceAll(/\[IP: [^\]]*\]/g, '')
    .replaceAll(/(manifests|kubelet-config)-?\d[\d-]*|(kubelet-config)(?=\/)/g, '$1$2TIME')
    .replaceAll(/@@ .* @@/g, '@@')
    .replaceAll(/\bcp\d\b/g, 'cp')
    .replaceAll(/\[\d+ k?B\]|Found \d+ Pods|process \d+ \([^)]*\)/g, 'COUNT')
    .replaceAll(/\d+ (upgraded|newly installed|to remove|not upgraded)/g, 'N $1')
    .replaceAll(/\b\d+\.\d+\.\d+(-\d+(\.\d+)?)?\b/g, 'VERSION')
    .replaceAll(/KEYSIG [0-9A-F]{16}.*|NO_PUBKEY [0-9A-F]{16}/g, 'KEY')
    .replaceAll(/^[EW]\d{4} .*\]/g, 'KLOG')
    .replaceAll(/^Get:\d* /g, 'Get ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** Lines that the stand-in prints and the real program does not. */
function invented(result: CommandResult, real: Recording): readonly string[] {
  return `${result.stdout}\n${result.stderr}`
    .split('\n')
    .map(comparable)
    .filter((line) => line !== '' && !real.lines.has(line));
}

const NODES = {
  nodes: [
    { name: 'cp1', role: 'control-plane', version: '1.36.3' },
    { name: 'cp2', role: 'control-plane', version: '1.36.3' },
  ] as const,
  published: ['1.36.3', '1.36.4'],
};

async function run(bench: TestBench, node: string, text: string): Promise<CommandResult> {
  return bench.shell.run(bench.address(node), { name: 'recorded', text, variables: {} }, AbortSignal.timeout(20_000));
}

/** Of a version: the kubeadm that is installed. */
async function install(bench: TestBench, version: string): Promise<void> {
  const packages = bench.nodes.node('cp1').machine.packages;
  packages.set('kubeadm', { version: `${version}-1.1`, held: true, status: 'installed' });
  await run(bench, 'cp1', 'apt-get update');
}

const IGNORE = '--ignore-preflight-errors=CoreDNSMigration,CoreDNSUnsupportedPlugins,SystemVerification';

describe('a stand-in prints what the real program was recorded to print, and nothing else', () => {
  it.each([
    ['1.36.3/apt-cache-madison', 'apt-cache madison kubeadm'],
    ['1.36.3/apt-cache-madison-unknown', 'apt-cache madison nothing-of-that-name 2>/dev/null'],
    ['1.36.3/apt-get-install-held', "apt-get -q -y install 'kubeadm=1.36.4-*'"],
    ['1.36.3/apt-get-install-equal', 'apt-get -q -y install kubeadm=1.36.3-1.1'],
    ['1.36.3/apt-mark-hold', 'apt-mark unhold kubeadm >/dev/null; apt-mark hold kubeadm'],
    ['1.36.3/apt-mark-unhold', 'apt-mark unhold kubeadm'],
    ['1.36.3/apt-mark-hold-again', 'apt-mark hold kubeadm'],
    ['1.36.3/apt-mark-showhold', 'apt-mark showhold'],
    ['1.36.3/dpkg-query', "dpkg-query -W -f='${Status} ${Version}\\n' kubeadm kubelet kubectl"],
    ['1.36.3/kubeadm-version', 'kubeadm version -o short'],
    ['1.36.3/kubelet-version', 'kubelet --version'],
    ['1.36.3/systemctl-show-unknown', 'systemctl show k8s-upgrade-nothing -p ActiveState'],
    ['1.36.4/kubeadm-upgrade-plan', 'kubeadm upgrade plan v1.36.4'],
    ['1.36.4/kubeadm-upgrade-diff', 'kubeadm upgrade diff v1.36.4'],
    ['1.36.4/kubeadm-config-images-list', 'kubeadm config images list --kubernetes-version v1.36.4'],
    ['1.36.4/kubeadm-config-images-pull', 'kubeadm config images pull --kubernetes-version v1.36.4'],
    ['1.36.4/kubeadm-upgrade-apply', `kubeadm upgrade apply -y ${IGNORE} --skip-phases=addon/coredns v1.36.4`],
  ])('%s', async (name, command) => {
    const real = recording(name);
    assert(real !== undefined, 'there is no recording');
    await using bench = await startTestBench(NODES);
    await install(bench, name.split('/')[0] ?? '');
    const result = await run(bench, 'cp1', command);
    expect({ exitCode: result.exitCode, invented: invented(result, real) }).toEqual({
      exitCode: real.exitCode,
      invented: [],
    });
  });

  it('1.36.4/kubeadm-upgrade-apply-image-missing', async (context) => {
    const real = recording('1.36.4/kubeadm-upgrade-apply-image-missing');
    if (real === undefined) return context.skip('there is no recording');
    await using bench = await startTestBench(NODES);
    await install(bench, '1.36.4');
    bench.nodes.node('cp1').knobs.missingImages.add('registry.k8s.io/kube-scheduler:v1.36.4');
    const result = await run(bench, 'cp1', `kubeadm upgrade apply -y ${IGNORE} v1.36.4`);
    expect(result.exitCode).toBe(real.exitCode);
    expect(result.stderr).toContain('[ERROR ImagePull]: failed to pull image registry.k8s.io/kube-scheduler:v1.36.4: ');
  });
});
