import { spawn } from 'node:child_process';
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { initConfig, type JoinSecrets, joinConfig } from './kubeadm-config.ts';
import type { LabNode, LabSpec } from './lab-spec.ts';
import type { Lab } from './lab-state.ts';
import { mustOnNode } from './nodes.ts';
import { kubeProgram } from './programs.ts';
import { type CommandResult, runCommand } from './run-command.ts';

export async function installKubernetes(node: LabNode, version: string, revision: string): Promise<void> {
  const wanted = ['kubeadm', 'kubelet', 'kubectl'].map((name) => `${name}=${version}-${revision}`);
  await mustOnNode(
    node,
    `export DEBIAN_FRONTEND=noninteractive
    apt-get -q update && apt-get -q install -y cri-tools ${wanted.join(' ')} && apt-mark hold kubeadm kubelet kubectl
    systemctl enable --now lab-network.service`,
  );
}

export async function initCluster(
  lab: string,
  spec: LabSpec,
  nodes: LabNode[],
  log: (line: string) => void,
): Promise<string> {
  const [first, ...others] = nodes;
  if (first === undefined) throw new Error('a cluster needs a control plane');
  const secrets = {
    token: `${randomBytes(3).toString('hex')}.${randomBytes(8).toString('hex')}`,
    certificateKey: randomBytes(32).toString('hex'),
  };
  log(`kubeadm init on ${first.name} (v${spec.version})`);
  await kubeadm(first, 'init', initConfig(spec, first, secrets), '--upload-certs');
  const kubeconfig = path.join(lab, 'kubeconfig');
  await writeFile(kubeconfig, await mustOnNode(first, 'cat /etc/kubernetes/admin.conf'));
  await chmod(kubeconfig, 0o600);
  const caHash = await hashOfCa(first);
  // Control planes one after the other (etcd takes one learner at a time), workers meanwhile.
  const workers = others.filter((node) => node.role === 'worker');
  const controlPlanes = others.filter((node) => node.role === 'control-plane');
  log(`joining ${others.map((node) => node.name).join(', ')}`);
  await Promise.all([
    joinInTurn(spec, first, controlPlanes, secrets, caHash),
    ...workers.map((node) => join(spec, first, node, secrets, caHash)),
  ]);
  return kubeconfig;
}

async function joinInTurn(
  spec: LabSpec,
  first: LabNode,
  nodes: LabNode[],
  secrets: JoinSecrets,
  caHash: string,
): Promise<void> {
  for (const node of nodes) await join(spec, first, node, secrets, caHash);
}

async function join(spec: LabSpec, first: LabNode, node: LabNode, secrets: JoinSecrets, caHash: string): Promise<void> {
  await kubeadm(node, 'join', joinConfig(spec, first, node, secrets, caHash));
}

async function kubeadm(node: LabNode, command: string, config: string, flags = ''): Promise<void> {
  const file = `/run/kubeadm-${command}.yaml`;
  await mustOnNode(
    node,
    `cat > ${file} <<'CONFIG'\n${config}\nCONFIG\nkubeadm ${command} --config ${file} ${flags} 2>&1 | tee /var/log/kubeadm-${command}.log; rm ${file}`,
  );
}

async function hashOfCa(node: LabNode): Promise<string> {
  const certificate = new X509Certificate(await mustOnNode(node, 'cat /etc/kubernetes/pki/ca.crt'));
  const der = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(der).digest('hex')}`;
}

/** kubectl of the cluster's own version, on this machine. */
export async function kubectl(kubeconfig: string, version: string, args: string[]): Promise<CommandResult> {
  return runCommand(await kubeProgram(version), ['--kubeconfig', kubeconfig, ...args], { argv0: 'kubectl' });
}

export async function waitForReady(kubeconfig: string, spec: LabSpec, count: number): Promise<void> {
  const template = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
  const coreDns = ['-n', 'kube-system', 'get', 'deployment', 'coredns', '-o', 'jsonpath={.status.availableReplicas}'];
  let last = '';
  for (let tries = 0; tries < 180; tries++) {
    const nodes = await kubectl(kubeconfig, spec.version, ['get', 'nodes', '-o', `jsonpath=${template}`]);
    const ready = nodes.stdout.split('\n').filter((line) => line === 'True').length;
    const dns = await kubectl(kubeconfig, spec.version, coreDns);
    if (ready === count && dns.stdout.trim() === '2') return;
    last = `${ready} of ${count} nodes Ready, CoreDNS ${dns.stdout.trim() || '0'} of 2`;
    await sleep(500);
  }
  throw new Error(`waiting for the cluster: ${last}; look with: npm run lab -- kubectl get pods -A -o wide`);
}

/** kubectl with this terminal, for people. */
export async function kubectlHere(lab: Pick<Lab, 'kubeconfig' | 'spec'>, args: string[]): Promise<number> {
  const program = await kubeProgram(lab.spec.version);
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['--kubeconfig', lab.kubeconfig, ...args], { argv0: 'kubectl', stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}
