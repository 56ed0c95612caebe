import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Lab } from '../lab/lab-state.ts';
import { mustOnNode } from '../lab/nodes.ts';
import { readSlack } from './defects.ts';
import { installProduct } from './install-product.ts';
import { isApplying, killAt, untilKubeadmRuns } from './kill-night.ts';
import { applyObjects, kubectl } from './kubectl.ts';
import { nextPatch } from './next-patch.ts';
import { runNight, runReport } from './night.ts';
import { nodeNamed } from './node-commands.ts';
import { expectNothingChanged } from './nothing-changed.ts';
import { productCli } from './product-cli.ts';
import { toolsImage } from './product-image.ts';
import { runningVersion } from './provide-scene.ts';
import { saidSince } from './said-since.ts';
import type { Scenario } from './scenario.ts';
import { expectUpgraded } from './upgraded.ts';

const without = { drain: { mode: 'patch-without' } };

export const oneNodeNight: Scenario = {
  name: 'one-node',
  title:
    'a cluster of one node is refused before anything is begun; without a drain it takes its patch, killed while kubeadm applies, and a pod on it answers on',
  ci: false,
  seconds: 300,
  cluster: { controlPlanes: 1, workers: 0, version: '1.36.3' },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const to = await nextPatch(scene);
    const refused = await runNight(scene, 5);
    expect(refused.chain).toEqual([]);
    await expectNothingChanged(scene, from, refused.startedAt);
    expect(saidSince(scene, refused.startedAt)).toMatch(/No node can run the Job of master cp1.*NoNodeForJob/);
    await runReport(scene);
    expect((await readSlack(scene, refused.startedAt)).at(-1)).toMatch(/BLOCKED[^]*No node can run the Job of master/);

    await installProduct(scene.lab, without);
    const plan = await productCli(scene, ['plan', '--target', to], without);
    const said = plan.lines.join('\n');
    expect(said).toMatch(/one control plane: the API server is away/);
    expect(said).toMatch(/Not drained \(drain\.mode is patch-without\): cp1/);
    const before = await provideAnswering(scene.lab);
    const watch = await watchAnswers(scene.lab);
    const kill = killAt(scene, 'kubeadm upgrade apply', isApplying, { before: () => untilKubeadmRuns(scene) });
    // A night that fails must not be hidden behind a kill that then never comes.
    kill.catch(() => undefined);
    const night = await runNight(scene);
    await Promise.race([kill, sleep(5000).then(() => Promise.reject(new Error('the kill has not come')))]);
    const { asked, missed } = await watch.stop();
    expect(night.chain.filter((job) => job.failedPods > 0)).toHaveLength(1);
    const result = await expectUpgraded(scene, night, from, to);
    expect((await readSlack(scene, night.startedAt)).at(-1)).toMatch(/Nodes were not drained/);
    expect(await answeringPod(scene.lab)).toEqual(before);
    const summary = `${result.summary}, ${missed} of ${asked} answers of a pod on it missed`;
    scene.log(summary);
    expect(asked).toBeGreaterThan(100);
    expect(missed).toBe(0);
    return { ...result, summary };
  },
};

const labels = { app: 'answering' };

/** A kubeadm cluster of one node keeps the taint of a control plane: its workloads tolerate it. */
const answering = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'answering', namespace: 'default' },
  spec: {
    replicas: 1,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        terminationGracePeriodSeconds: 1,
        tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
        containers: [
          {
            name: 'answering',
            image: toolsImage,
            command: ['perl', '-MIO::Socket::INET', '-e', server()],
            readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 5 },
          },
        ],
      },
    },
  },
};

/** What a slim Debian has. */
function server(): string {
  return `my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 50, ReuseAddr => 1) or die $!;
while (1) { my $c = $s->accept or next; <$c>; print $c "HTTP/1.0 200 OK\\r\\n\\r\\nhere\\n"; close $c }`;
}

interface AnsweringPod {
  readonly name: string;
  readonly ip: string;
  readonly restarts: string;
}

async function provideAnswering(lab: Lab): Promise<AnsweringPod> {
  await applyObjects(lab, [answering]);
  await kubectl(lab, ['rollout', 'status', 'deployment/answering', '--timeout=180s']);
  return await answeringPod(lab);
}

/** The same at the end: neither moved nor restarted. */
async function answeringPod(lab: Lab): Promise<AnsweringPod> {
  const fields = '{.metadata.name} {.status.podIP} {.status.containerStatuses[0].restartCount}';
  const text = await kubectl(lab, [
    'get',
    'pods',
    '-l',
    'app=answering',
    '-o',
    `jsonpath={range .items[*]}${fields}{"\\n"}{end}`,
  ]);
  const lines = text.trim().split('\n');
  const [name = '', ip = '', restarts = ''] = lines[0]?.split(' ') ?? [];
  if (lines.length !== 1) throw new Error(`looking for the pod that answers: there are ${lines.length}: ${text}`);
  return { name, ip, restarts };
}

/** Asked from its node, five times a second, until the file is gone; what has no answer within a second is missed. */
async function watchAnswers(lab: Lab): Promise<{ stop(): Promise<{ asked: number; missed: number }> }> {
  const node = nodeNamed(lab, 'cp1');
  const { ip } = await answeringPod(lab);
  await mustOnNode(node, 'touch /run/asking');
  const asking = mustOnNode(
    node,
    `while [ -e /run/asking ]; do
  if curl -fsS -m 1 -o /dev/null http://${ip}:8080/ 2>/dev/null; then echo good; else echo "missed $(date +%T)"; fi
  sleep 0.2
done`,
  );
  asking.catch(() => undefined);
  return {
    async stop() {
      await mustOnNode(node, 'rm -f /run/asking');
      const lines = (await asking).trim().split('\n');
      return { asked: lines.length, missed: lines.filter((line) => line !== 'good').length };
    },
  };
}
