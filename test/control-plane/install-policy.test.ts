import { cpSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { renderJobManifest } from '../../src/chain/job-manifest.ts';
import { readInstallTemplates } from '../../src/install/install-templates.ts';
import { parseSettings } from '../../src/settings/parse-settings.ts';
import { kubectl, until } from './install-kubectl.ts';
import { startControlPlane } from './real-control-plane.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const plane = await startControlPlane();
const missing = 'missing' in plane ? plane.missing : undefined;

afterAll(async () => {
  if (!('missing' in plane)) await plane.close();
});

function ready() {
  if ('missing' in plane) throw new Error(missing);
  return plane;
}

/** Has every right in the namespace by RBAC, and is no administrator. */
const EVE = ['--as=eve', '--as-group=system:authenticated'];
const ADMINISTRATOR = ['--as=alice', '--as-group=kubeadm:cluster-admins'];

async function kube(args: readonly string[], input?: unknown): Promise<string> {
  return await kubectl(ready(), ['-n', 'k8s-upgrade', ...args], input === undefined ? undefined : stringify(input));
}

const pod = {
  containers: [
    {
      name: 'c',
      image: 'i',
      securityContext: {
        runAsNonRoot: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
        seccompProfile: { type: 'RuntimeDefault' },
      },
    },
  ],
  restartPolicy: 'Never',
};
const labels = { app: 'eve' };
const template = { metadata: { labels }, spec: pod };
const always = { metadata: { labels }, spec: { ...pod, restartPolicy: 'Always' } };
const selector = { matchLabels: labels };
const metadata = { name: 'by-eve' };

describe.skipIf(missing !== undefined)(
  `the admission policy on a real API server${missing === undefined ? '' : ` (not run: ${missing})`}`,
  { timeout: 120_000 },
  () => {
    beforeAll(async () => {
      const copy = join(ready().directory, 'deploy');
      cpSync(join(ROOT, 'deploy'), copy, { recursive: true });
      writeFileSync(join(copy, 'kustomization.yaml'), 'resources: [base]\ncomponents: [policy]\n');
      await kubectl(ready(), ['apply', '-k', copy]);
      await kube(['create', 'secret', 'generic', 'k8s-upgrade-creds', '--from-literal=ssh_key=x']);
      // As kubeadm binds its group.
      const admins = ['clusterrolebinding', 'admins', '--clusterrole=cluster-admin', '--group=kubeadm:cluster-admins'];
      await kubectl(ready(), ['create', ...admins]);
      await kube(['create', 'role', 'all', '--verb=*', '--resource=*.*']);
      await kube(['create', 'rolebinding', 'eve', '--role=all', '--user=eve']);
      // A policy is in force a moment after it was stored.
      await until('the policy to be in force', async () => {
        const answer = await kube([...EVE, 'label', 'configmap', 'k8s-upgrade-config', 'a=b', '--dry-run=server']).then(
          () => '',
          (error: Error) => error.message,
        );
        return answer.includes('may not write') ? true : undefined;
      });
    }, 120_000);

    it.each(['k8s-upgrade-scripts', 'k8s-upgrade-config', 'k8s-upgrade-job-template'])(
      'lets nobody else write or remove ConfigMap %s',
      async (name) => {
        for (const args of [
          ['annotate', 'configmap', name, 'a=b'],
          ['patch', 'configmap', name, '--type=merge', '-p', '{"data":{"stage.sh":"id"}}'],
          ['delete', 'configmap', name],
        ]) {
          await expect(kube([...EVE, ...args])).rejects.toThrow(
            `eve may not write configmaps ${name}: what stands in this namespace runs as root on every node. Administrators are named in the ValidatingAdmissionPolicy k8s-upgrade-is-root`,
          );
          await kube([...ADMINISTRATOR, ...args, '--dry-run=server']);
        }
      },
    );

    it('lets nobody else bring the program, a key, or all ConfigMaps out of the world', async () => {
      await expect(kube([...EVE, 'create', 'configmap', 'k8s-upgrade-program'])).rejects.toThrow(/may not write/);
      await expect(
        kube([...EVE, 'patch', 'secret', 'k8s-upgrade-creds', '-p', '{"stringData":{"known_hosts":"x"}}']),
      ).rejects.toThrow(/may not write secrets k8s-upgrade-creds/);
      await expect(
        kubectl(ready(), [...EVE, 'delete', '--raw', '/api/v1/namespaces/k8s-upgrade/configmaps']),
      ).rejects.toThrow(/may not write configmaps/);
    });

    it.each([
      { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { template } },
      {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        metadata,
        spec: { schedule: '* * * * *', jobTemplate: { spec: { template } } },
      },
      { apiVersion: 'v1', kind: 'Pod', metadata, spec: pod },
      { apiVersion: 'v1', kind: 'ReplicationController', metadata, spec: { selector: labels, template: always } },
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { selector, template: always } },
      { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata, spec: { selector, serviceName: 'x', template: always } },
      { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata, spec: { selector, template: always } },
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata, spec: { selector, template: always } },
    ])('lets nobody else make a pod by way of a $kind', async (object) => {
      await expect(kube([...EVE, 'create', '-f', '-'], object)).rejects.toThrow(/eve may not write/);
      await kube([...ADMINISTRATOR, 'create', '--dry-run=server', '-f', '-'], object);
    });

    it('lets nobody else have a token of our accounts, or a shell in our pods', async () => {
      await expect(kube([...EVE, 'create', 'token', 'k8s-upgrade-job'])).rejects.toThrow(/may not write/);
      await kube([...ADMINISTRATOR, 'create', 'job', '--from=cronjob/k8s-version-check', 'for-exec']);
      const name = await until('its pod', async () => {
        const found = await kube(['get', 'pods', '-l', 'job-name=for-exec', '-o', 'name']);
        return found === '' ? undefined : found.trim();
      });
      await expect(kube([...EVE, 'exec', name, '--', 'id'])).rejects.toThrow(/may not write|Forbidden|forbidden/);
    });

    it('leaves the kill switch, and what is not ours, to whoever may write them', async () => {
      for (const name of ['k8s-upgrade-killswitch', 'mine']) {
        await kube([...EVE, 'create', 'configmap', name]);
        await kube([...EVE, 'delete', 'configmap', name]);
      }
      expect(await kube(['get', 'configmaps', '-o', 'name'])).not.toContain('killswitch');
      const elsewhere = ['-n', 'default', 'create', 'configmap', 'k8s-upgrade-scripts', '--as=bob', '--as-group=bobs'];
      await kubectl(ready(), ['create', 'clusterrolebinding', 'bobs', '--clusterrole=cluster-admin', '--group=bobs']);
      await kubectl(ready(), elsewhere);
    });

    it('lets the chain go on: its account makes the next Job, and the controllers its pod, and clear up', async () => {
      const job = renderJobManifest(
        readInstallTemplates(join(ROOT, 'templates')).job,
        {
          step: { phase: 'preflight' },
          target: '1.36.4',
          name: 'k8s-upgrade-preflight-1-36-4',
          runner: 'cp1',
          image: 'i',
        },
        parseSettings('', 'the defaults'),
      );
      const account = '--as=system:serviceaccount:k8s-upgrade:k8s-upgrade-job';
      await kube([account, 'create', '-f', '-'], job);
      const pods = async (): Promise<string> =>
        await kube(['get', 'pods', '-l', `job-name=${job.metadata.name}`, '-o', 'name']);
      await until('the pod of the Job', async () => ((await pods()) === '' ? undefined : true));
      const scripts = ['patch', 'configmap', 'k8s-upgrade-scripts', '--type=merge', '-p', '{"data":{"stage.sh":"id"}}'];
      await kube(['create', 'rolebinding', 'chain', '--role=all', '--serviceaccount=k8s-upgrade:k8s-upgrade-job']);
      await expect(kube([account, ...scripts])).rejects.toThrow(/k8s-upgrade-job may not write configmaps/);
      await kube([account, 'delete', 'job', job.metadata.name, '--cascade=foreground']);
      await until('the pod to be gone', async () => ((await pods()) === '' ? true : undefined));
    });
  },
);
