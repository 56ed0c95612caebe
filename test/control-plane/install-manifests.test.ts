import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { renderJobManifest } from '../../src/chain/job-manifest.ts';
import { jobName, type Step } from '../../src/chain/step.ts';
import { packBundle } from '../../src/install/bundle.ts';
import { bundleFile, toYaml } from '../../src/install/deploy-files.ts';
import { installObjects } from '../../src/install/install-objects.ts';
import { readInstallTemplates } from '../../src/install/install-templates.ts';
import { parseSettings } from '../../src/settings/parse-settings.ts';
import { kubectl, until } from './install-kubectl.ts';
import { keyOf, storedObjects } from './install-stored.ts';
import { startControlPlane } from './real-control-plane.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const TEMPLATES = readInstallTemplates(join(ROOT, 'templates'));
const NAMESPACE = 'k8s-upgrade';
const STEPS: readonly Step[] = [
  { phase: 'preflight' },
  { phase: 'master', node: 'cp1' },
  { phase: 'master', node: 'cp2.example' },
  { phase: 'worker', node: 'node1' },
  { phase: 'postflight' },
];

const plane = await startControlPlane();
const missing = 'missing' in plane ? plane.missing : undefined;

afterAll(async () => {
  if (!('missing' in plane)) await plane.close();
});

function ready() {
  if ('missing' in plane) throw new Error(missing);
  return plane;
}

async function kube(...args: string[]): Promise<string> {
  return await kubectl(ready(), ['-n', NAMESPACE, ...args]);
}

async function create(object: unknown, ...args: string[]): Promise<string> {
  return await kubectl(ready(), ['-n', NAMESPACE, 'create', ...args, '-f', '-'], stringify(object));
}

const Pods = z.object({
  items: z.array(
    z.object({ metadata: z.object({ name: z.string() }), spec: z.looseObject({ serviceAccountName: z.string() }) }),
  ),
});

/** Waits for the pod that the real Job controller makes. A pod that Pod Security refuses never comes. */
async function podOf(job: string): Promise<z.infer<typeof Pods>['items'][number]> {
  const refused = async (): Promise<string> =>
    await kube(
      'get',
      'events',
      '--field-selector',
      `involvedObject.name=${job},reason=FailedCreate`,
      '-o',
      'jsonpath={.items[*].message}',
    );
  return await until(`a pod of Job ${job}`, async () => {
    const why = await refused();
    if (why !== '') throw new Error(`Job ${job} gets no pod: ${why}`);
    return Pods.parse(JSON.parse(await kube('get', 'pods', '-l', `batch.kubernetes.io/job-name=${job}`, '-o', 'json')))
      .items[0];
  });
}

function chainJob(step: Step, template: string, target = '1.36.4') {
  const settings = parseSettings('', 'the defaults');
  const name = jobName(step, target, 'cp1');
  return renderJobManifest(template, { step, target, name, runner: 'node2', image: 'nightlift:0.1.0' }, settings);
}

describe.skipIf(missing !== undefined)(
  `the manifests on a real API server${missing === undefined ? '' : ` (not run: ${missing})`}`,
  { timeout: 120_000 },
  () => {
    beforeAll(async () => {
      await kubectl(ready(), ['apply', '-k', join(ROOT, 'deploy')]);
    });

    it('are all stored by kubectl apply -k deploy, and nothing else is', async () => {
      const objects = installObjects({ templates: TEMPLATES });
      expect([...(await storedObjects(ready())).keys()]).toEqual(objects.map(keyOf).toSorted());
    });

    it('are unchanged by a second apply', async () => {
      const again = await kubectl(ready(), ['apply', '-k', join(ROOT, 'deploy')]);
      expect(
        again
          .trim()
          .split('\n')
          .filter((line) => !line.endsWith(' unchanged')),
      ).toEqual([]);
    });

    it('pass a strict server-side dry run, with an image and without one of ours', async () => {
      const bundle = packBundle(Buffer.from('console.log("the program")'));
      for (const options of [{}, { bundle }]) {
        const yaml = toYaml(installObjects({ templates: TEMPLATES, ...options }));
        const args = [
          'apply',
          '--server-side',
          '--force-conflicts',
          '--dry-run=server',
          '--validate=strict',
          '-f',
          '-',
        ];
        const answer = await kubectl(ready(), args, yaml);
        expect(answer.trim().split('\n')).toHaveLength(installObjects({ templates: TEMPLATES, ...options }).length);
      }
    });

    it('are stored with the addresses of this cluster as well, by nightlift network-policy', async () => {
      const service = JSON.parse(await kubectl(ready(), ['get', 'service', 'kubernetes', '-o', 'json'])) as {
        spec: { clusterIP: string };
      };
      const config = join(ready().directory, 'settings.yaml');
      writeFileSync(config, 'packages: { baseUrl: "http://127.0.0.1:8080/x", redirectHosts: [] }\n');
      const program = [join(ROOT, 'src/main.ts'), 'network-policy', '--also', 'localhost:9443', '--config', config];
      const { stdout } = await promisify(execFile)(process.execPath, [
        ...program,
        '--kubeconfig',
        ready().kubeconfigPath,
      ]);
      const args = ['apply', '--server-side', '--force-conflicts', '--dry-run=server', '--validate=strict', '-f', '-'];
      const answer = await kubectl(ready(), args, stdout);
      expect(answer.trim().split('\n')).toEqual([
        'networkpolicy.networking.k8s.io/k8s-upgrade serverside-applied (server dry run)',
        'networkpolicy.networking.k8s.io/k8s-upgrade-ssh serverside-applied (server dry run)',
      ]);
      for (const cidr of [`${service.spec.clusterIP}/32`, '127.0.0.1/32']) expect(stdout).toContain(cidr);
      expect(stdout).toMatch(/port: 8080[^]*port: 9443/);
    });

    it('D24 give the CronJobs what the contract says', async () => {
      const spec = z.looseObject({ schedule: z.string() });
      const list = z.object({
        items: z.array(
          z.object({ metadata: z.looseObject({ name: z.string(), labels: z.record(z.string(), z.string()) }), spec }),
        ),
      });
      const { items } = list.parse(JSON.parse(await kube('get', 'cronjobs', '-o', 'json')));
      const byName = Object.fromEntries(items.map((item) => [item.metadata.name, item]));
      expect(byName['k8s-version-check']).toMatchObject({
        metadata: { labels: { app: 'k8s-version-upgrade' } },
        spec: {
          schedule: '0 23 * * *',
          timeZone: 'UTC',
          concurrencyPolicy: 'Forbid',
          startingDeadlineSeconds: 600,
          successfulJobsHistoryLimit: 3,
          failedJobsHistoryLimit: 3,
          jobTemplate: {
            metadata: { labels: { app: 'k8s-version-upgrade' } },
            spec: { ttlSecondsAfterFinished: 86_400 },
          },
        },
      });
      expect(byName['k8s-upgrade-nightly-report']?.spec.schedule).toBe('7 6 * * *');
    });

    it('enforce Pod Security level restricted, which refuses a pod that runs as root', async () => {
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'root' },
        spec: { containers: [{ name: 'c', image: 'i' }] },
      };
      await expect(create(pod)).rejects.toThrow(/violates PodSecurity "restricted/);
    });

    it.each(['k8s-version-check', 'k8s-upgrade-nightly-report'])(
      'let kubectl create job --from=cronjob/%s get its pod',
      async (cronJob) => {
        const job = `by-hand-${cronJob.slice(4, 15)}`;
        await kube('create', 'job', `--from=cronjob/${cronJob}`, job);
        const pod = await podOf(job);
        expect(pod.spec.serviceAccountName).toBe(
          cronJob === 'k8s-version-check' ? 'k8s-upgrade-check' : 'k8s-upgrade-report',
        );
      },
    );

    it("D15 keep the SSH key out of the report's pod", async () => {
      await kube('create', 'job', '--from=cronjob/k8s-upgrade-nightly-report', 'report-by-hand');
      const text = JSON.stringify((await podOf('report-by-hand')).spec);
      expect(text).toContain('slack_webhook');
      expect(text).not.toMatch(/ssh_key|known_hosts|k8s-upgrade-scripts/);
      // Without items the whole Secret would be mounted.
      expect(text).toMatch(/"secretName":"k8s-upgrade-creds"/);
      expect(text).toMatch(/"items":\[\{"key":"slack_webhook"/);
    });

    it('D15 keep the SSH key out of the pod of postflight, which is the only Job of the chain that may run anywhere', async () => {
      const steps = STEPS.map((step) => [step.phase, JSON.stringify(chainJob(step, TEMPLATES.job))] as const);
      for (const [phase, text] of steps)
        expect(text.includes('"items":[{"key":"slack_webhook","path":"slack_webhook"}]')).toBe(phase === 'postflight');
    });

    it('D15 prefer a control plane for the pod of the detector, which holds the key as well', async () => {
      await kube('create', 'job', '--from=cronjob/k8s-version-check', 'check-by-hand');
      expect(JSON.stringify((await podOf('check-by-hand')).spec)).toContain(
        '"key":"node-role.kubernetes.io/control-plane","operator":"Exists"}]},"weight":100}',
      );
    });

    it.each(STEPS.map((step) => [jobName(step, '1.36.4', 'cp1'), step] as const))(
      'let the Job %s of the stored template get its pod',
      async (name, step) => {
        const stored = z
          .object({ data: z.record(z.string(), z.string()) })
          .parse(JSON.parse(await kube('get', 'configmap', 'k8s-upgrade-job-template', '-o', 'json')));
        const manifest = chainJob(step, stored.data['job-template.yaml'] ?? '');
        await create(manifest, '--dry-run=server', '--validate=strict');
        await create(manifest);
        expect((await podOf(name)).spec.serviceAccountName).toBe('k8s-upgrade-job');
      },
    );

    it('D15 let nobody but the pod read its keys', async () => {
      const { items } = Pods.parse(JSON.parse(await kube('get', 'pods', '-o', 'json')));
      const secret = z.looseObject({ name: z.string(), secret: z.object({ defaultMode: z.number() }).optional() });
      // As a number of the API: an octal literal is decimal in YAML 1.2, and 400 would be mode 0620.
      const modes = items.map(({ metadata, spec }) => {
        const volumes = z.array(secret).parse(spec['volumes']);
        return [metadata.name, ...volumes.flatMap(({ secret: source }) => source?.defaultMode ?? [])];
      });
      expect(modes).toEqual(items.map(({ metadata }) => [metadata.name, 0o400]));
    });

    it('D24 give every pod of ours non-root, a read-only root, no capabilities and seccomp', async () => {
      const { items } = Pods.parse(JSON.parse(await kube('get', 'pods', '-o', 'json')));
      expect(items.length).toBeGreaterThanOrEqual(8);
      for (const { spec } of items) {
        expect(spec).toMatchObject({
          priorityClassName: 'system-cluster-critical',
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 65532,
            fsGroup: 65532,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [
            {
              securityContext: {
                readOnlyRootFilesystem: true,
                allowPrivilegeEscalation: false,
                capabilities: { drop: ['ALL'] },
              },
            },
          ],
        });
      }
    });

    it('install without an image of ours by one server-side apply, and its Jobs get their pods', async () => {
      const copy = join(ready().directory, 'deploy');
      cpSync(join(ROOT, 'deploy'), copy, { recursive: true });
      // As large as the real one: more than a client-side apply can hold in its annotation.
      const program = randomBytes(700_000);
      writeFileSync(join(copy, 'no-image/program.yaml'), bundleFile(TEMPLATES, packBundle(program)));
      // The rest is the same by both ways; a namespace would take half a minute to go.
      await kube('delete', 'cronjobs,configmaps', '-l', 'app.kubernetes.io/name=nightlift');
      await kubectl(ready(), ['apply', '--server-side', '-k', join(copy, 'no-image')]);
      await kube('create', 'job', '--from=cronjob/k8s-version-check', 'without-image');
      expect(JSON.stringify((await podOf('without-image')).spec)).toContain('"image":"node:24-slim"');
      const data = z.object({ data: z.record(z.string(), z.string()) });
      const template =
        data.parse(JSON.parse(await kube('get', 'configmap', 'k8s-upgrade-job-template', '-o', 'json'))).data[
          'job-template.yaml'
        ] ?? '';
      const manifest = chainJob({ phase: 'preflight' }, template, '1.36.5');
      await create(manifest, '--validate=strict');
      expect(JSON.stringify((await podOf(manifest.metadata.name)).spec)).toContain('k8s-upgrade-program');
    });

    it('go from there to an image by a server-side apply, which takes the other program away', async () => {
      await kubectl(ready(), ['apply', '--server-side', '-k', join(ROOT, 'deploy')]);
      expect(await kube('get', 'cronjob', 'k8s-version-check', '-o', 'yaml')).not.toContain('/program');
    });
  },
);
