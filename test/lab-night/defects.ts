import { readFile } from 'node:fs/promises';
import { INVENTORY } from '../../src/observe/inventory.ts';
import { NIGHT_HOPS } from '../../src/observe/night-hops.ts';
import { API_AWAY, NOT_DRAINED, RECORD } from '../../src/observe/run-record.ts';
import type { LabNode } from '../lab/lab-spec.ts';
import { readJobs, readNamed, readNodes, readPods, readWorkloads } from './cluster-objects.ts';
import { sudoOnNode } from './node-commands.ts';
import type { Scene } from './scene.ts';
import { quiesced } from './workload.ts';

/** Everything that is not as it should be when a night has brought the cluster to this version. From state alone. */
export async function defectsAfter(scene: Scene, version: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const node of scene.lab.nodes) found.push(...(await nodeDefects(scene, node, version)));
  found.push(...(await versionDefects(scene, version)), ...(await quietDefects(scene)));
  return found;
}

async function versionDefects({ api }: Scene, version: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { metadata, status } of await readNodes(api)) {
    const kubelet = status.nodeInfo.kubeletVersion;
    if (kubelet !== `v${version}`) found.push(`${metadata.name}: the kubelet is ${kubelet}`);
  }
  const config = await readNamed(api, '/api/v1/namespaces/kube-system/configmaps/kubeadm-config');
  const recorded = /^kubernetesVersion: (.+)$/m.exec(config.data['ClusterConfiguration'] ?? '')?.[1];
  if (recorded !== `v${version}`) found.push(`kubeadm-config says ${recorded ?? 'nothing'}`);
  for (const { metadata, spec } of await readPods(api, 'kube-system')) {
    const component = metadata.labels['component'] ?? '';
    const image = spec.containers[0]?.image ?? '';
    if (component.startsWith('kube-') && !image.endsWith(`:v${version}`))
      found.push(`pod ${metadata.name} runs ${image}`);
  }
  return found;
}

const look = `dpkg-query -W -f 'package \${Package} \${Version} \${db:Status-Abbrev}\\n' kubeadm kubelet kubectl
apt-mark showhold | sed 's/^/hold /'
for f in /etc/kubernetes/manifests/kube-*.yaml; do [ -f "$f" ] && sed -n 's/^ *image: /image /p' "$f"; done
systemctl is-active kubelet | sed 's/^/kubelet /'
dpkg --audit | sed 's/^/audit /'
systemctl list-units --all --no-legend --plain 'nightlift-*' | sed 's/^/unit /'
ls /var/lib/nightlift/units 2>/dev/null | sed 's/^/left /'
true`;

/** What the node itself says, over SSH: packages, holds, static pods, nothing left over. */
async function nodeDefects(scene: Scene, node: LabNode, version: string): Promise<readonly string[]> {
  const found: string[] = [];
  const lines = (await sudoOnNode(scene.lab, node, look)).split('\n').map((line) => line.trim().split(/\s+/));
  const of = (word: string) => lines.filter(([first]) => first === word).map(([, ...rest]) => rest);
  for (const name of ['kubeadm', 'kubelet', 'kubectl']) {
    const [, installed = 'none', status = ''] = of('package').find(([first]) => first === name) ?? [];
    if (!installed.startsWith(`${version}-`) || !/^.i/.test(status))
      found.push(`package ${name} is ${installed} (${status})`);
    if (!of('hold').some(([held]) => held === name)) found.push(`package ${name} is not on hold`);
  }
  const images = of('image').map(([image = '']) => image);
  if (node.role === 'control-plane' && images.length !== 3) found.push(`${images.length} of 3 manifests are there`);
  for (const image of images) if (!image.endsWith(`:v${version}`)) found.push(`a manifest has ${image}`);
  if (of('kubelet')[0]?.[0] !== 'active') found.push('the kubelet is not active');
  for (const rest of of('audit')) found.push(`dpkg --audit: ${rest.join(' ')}`);
  for (const rest of of('unit')) found.push(`the unit ${rest.join(' ')} is left`);
  for (const rest of of('left')) found.push(`/var/lib/nightlift/units/${rest.join(' ')} is left`);
  return found.map((text) => `${node.name}: ${text}`);
}

/** Of the record of a run, what is there to be read until the next one begins. */
const outlives: readonly string[] = [API_AWAY, NOT_DRAINED, RECORD, NIGHT_HOPS, ...Object.values(INVENTORY)];

/** What must hold after every night, however it ended. */
export async function quietDefects(scene: Pick<Scene, 'api' | 'lab'>): Promise<readonly string[]> {
  const { api, lab } = scene;
  const found: string[] = [];
  for (const { metadata, spec, status } of await readNodes(api)) {
    if (spec.unschedulable) found.push(`${metadata.name} is cordoned`);
    if (!status.conditions.some((one) => one.type === 'Ready' && one.status === 'True'))
      found.push(`${metadata.name} is not Ready`);
    for (const key of Object.keys(metadata.annotations))
      if (key.startsWith('nightlift/')) found.push(`${metadata.name} has the annotation ${key}`);
  }
  for (const job of await readJobs(api)) if (job.status !== 'complete') found.push(`Job ${job.name} is ${job.status}`);
  const namespace = await readNamed(api, '/api/v1/namespaces/k8s-upgrade');
  for (const key of Object.keys(namespace.metadata.annotations))
    if (key.includes('k8s-upgrade-') && !outlives.some((name) => key.endsWith(`k8s-upgrade-${name}`)))
      found.push(`the namespace has the annotation ${key}`);
  for (const { name, wanted, available } of await readWorkloads(api))
    if (available < wanted || isForgotten(name, wanted)) found.push(`${name}: ${available} of ${wanted} available`);
  const gauges = await readGauges(lab.services.pushgateway);
  for (const name of ['k8s_upgrade_in_flight', 'k8s_upgrade_blocked', 'k8s_upgrade_held', 'k8s_upgrade_snapshot_taken'])
    if (gauges.get(name) !== 0) found.push(`the gauge ${name} is ${gauges.get(name) ?? 'absent'}`);
  return found;
}

/** Scaled to zero for the upgrade and not back again. */
function isForgotten(workload: string, wanted: number): boolean {
  return (
    wanted === 0 &&
    quiesced.some(({ kind, namespace, name }) => workload === `${kind.toLowerCase()}s ${namespace}/${name}`)
  );
}

/** The product's gauges on the Pushgateway, by name. */
export async function readGauges(pushgateway: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${pushgateway}/metrics`)).text();
  const lines = text.matchAll(/^(k8s_[a-z_]+)(?:\{[^}]*\})? (\S+)$/gm);
  return new Map([...lines].map(([, name = '', value = '']) => [name, Number(value)]));
}

/** The texts that Slack was sent since then, in order. */
export async function readSlack({ lab }: Scene, since: number): Promise<readonly string[]> {
  const text = await readFile(lab.services.slackFile, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { at: string; body: { text?: string } })
    .filter(({ at }) => Date.parse(at) >= since)
    .map(({ body }) => body.text ?? JSON.stringify(body));
}
