import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../src/clock.ts';
import type { Cluster, Permission } from '../../src/cluster/cluster.ts';
import { createKubeClient } from '../../src/cluster/kube-client.ts';
import { createKubeCluster } from '../../src/cluster/kube-cluster.ts';
import { kubeconfigCredentials } from '../../src/cluster/kubeconfig.ts';
import { EXTRAS, type Extra, permissionsOf, type Role } from '../../src/cluster/permissions.ts';
import { ACCOUNTS } from '../../src/install/install-object.ts';
import { kubectl, until } from './install-kubectl.ts';
import { startControlPlane } from './real-control-plane.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const NAMESPACES = { own: 'k8s-upgrade', snapshot: 'default' };
const PLACES = ['k8s-upgrade', 'kube-system', 'default', 'kube-public'];
const ROLES: readonly Role[] = ['phase', 'detector', 'report'];

const plane = await startControlPlane();
const missing = 'missing' in plane ? plane.missing : undefined;

afterAll(async () => {
  if (!('missing' in plane)) await plane.close();
});

function ready() {
  if ('missing' in plane) throw new Error(missing);
  return plane;
}

/** A token as the pods of that account get one. */
async function kubeconfigOf(account: string): Promise<string> {
  const token = (await kubectl(ready(), ['-n', NAMESPACES.own, 'create', 'token', account])).trim();
  const file = join(ready().directory, `kubeconfig-${account}`);
  writeFileSync(file, ready().kubeconfig(token), { mode: 0o600 });
  return file;
}

async function clusterOf(account: string): Promise<Cluster> {
  const credentials = kubeconfigCredentials({ file: await kubeconfigOf(account) });
  const client = createKubeClient({
    credentials,
    clock: systemClock(),
    userAgent: 'nightlift (test)',
    patienceMs: 10_000,
  });
  return createKubeCluster({ client, clock: systemClock(), namespace: NAMESPACES.own, annotationPrefix: 'nightlift' });
}

const Review = z.object({
  status: z.object({
    incomplete: z.boolean().default(false),
    resourceRules: z.array(
      z.object({
        verbs: z.array(z.string()),
        apiGroups: z.array(z.string()).default([]),
        resources: z.array(z.string()).default([]),
        resourceNames: z.array(z.string()).default([]),
      }),
    ),
  }),
});

/** Everything that the API server lets an account do in a namespace, as `verb group/resource`. */
async function allowedIn(account: string, namespace: string): Promise<Set<string>> {
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } };
  const file = await kubeconfigOf(account);
  const output = await kubectl(
    ready(),
    ['--kubeconfig', file, 'create', '--validate=false', '-o', 'json', '-f', '-'],
    JSON.stringify(review),
  );
  const { status } = Review.parse(JSON.parse(output));
  expect(status.incomplete).toBe(false);
  return new Set(
    status.resourceRules.flatMap(({ verbs, apiGroups, resources, resourceNames }) =>
      verbs.flatMap((verb) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource) =>
            (resourceNames.length === 0 ? [[]] : resourceNames.map((name) => [name])).map((name) =>
              [verb, `${group}/${resource}`, ...name].join(' '),
            ),
          ),
        ),
      ),
    ),
  );
}

/** What the API server says to SelfSubjectAccessReviews, one for each permission. */
async function answers(cluster: Cluster, permissions: readonly Permission[]) {
  const allowed: Permission[] = [];
  const refused: Permission[] = [];
  for (const permission of permissions) {
    const yes = await cluster.allowed(permission, AbortSignal.timeout(10_000));
    (yes ? allowed : refused).push(permission);
  }
  return { allowed, refused };
}

const text = ({ verb, group, resource, name }: Permission): string =>
  [verb, `${group}/${resource}`, ...(name === undefined ? [] : [name])].join(' ');

const FORBIDDEN: readonly Permission[] = [
  { verb: 'delete', group: '', resource: 'nodes', namespace: '' },
  { verb: 'create', group: '', resource: 'nodes', namespace: '' },
  { verb: 'get', group: '', resource: 'secrets', namespace: 'kube-system' },
  { verb: 'list', group: '', resource: 'secrets', namespace: '' },
  // The kubelet mounts the key; nobody reads it through the API.
  { verb: 'get', group: '', resource: 'secrets', namespace: 'k8s-upgrade' },
  { verb: 'delete', group: '', resource: 'pods', namespace: 'kube-system' },
  { verb: 'create', group: '', resource: 'pods/exec', namespace: 'kube-system' },
  { verb: 'create', group: '', resource: 'serviceaccounts/token', namespace: 'k8s-upgrade' },
  { verb: 'create', group: 'batch', resource: 'jobs', namespace: 'kube-system' },
  { verb: 'patch', group: 'batch', resource: 'cronjobs', namespace: 'k8s-upgrade' },
  { verb: 'patch', group: '', resource: 'namespaces', namespace: 'kube-system' },
  { verb: 'patch', group: '', resource: 'configmaps', namespace: 'kube-system' },
  { verb: 'get', group: '', resource: 'configmaps', namespace: 'kube-system' },
  {
    verb: 'get',
    group: '',
    resource: 'configmaps',
    namespace: 'kube-system',
    name: 'extension-apiserver-authentication',
  },
  { verb: 'patch', group: '', resource: 'configmaps', namespace: 'k8s-upgrade', name: 'k8s-upgrade-scripts' },
  { verb: 'delete', group: '', resource: 'configmaps', namespace: 'k8s-upgrade', name: 'k8s-upgrade-killswitch' },
  { verb: 'delete', group: '', resource: 'pods', namespace: '' },
  { verb: 'patch', group: 'apps', resource: 'deployments', namespace: '' },
  { verb: 'patch', group: 'apps', resource: 'statefulsets', namespace: '' },
  { verb: 'patch', group: 'apps', resource: 'daemonsets', namespace: '' },
  { verb: 'bind', group: 'rbac.authorization.k8s.io', resource: 'clusterroles', namespace: '' },
  { verb: 'escalate', group: 'rbac.authorization.k8s.io', resource: 'clusterroles', namespace: '' },
  { verb: 'impersonate', group: '', resource: 'users', namespace: '' },
  { verb: '*', group: '*', resource: '*', namespace: '' },
];

describe.skipIf(missing !== undefined)(
  `the accounts on a real API server${missing === undefined ? '' : ` (not run: ${missing})`}`,
  { timeout: 120_000 },
  () => {
    beforeAll(async () => {
      await kubectl(ready(), ['apply', '-k', join(ROOT, 'deploy')]);
      // Two rounds: the authorizer learns of new roles by watching them.
      const cluster = await clusterOf(ACCOUNTS.report);
      const [last] = permissionsOf('report', NAMESPACES).toReversed();
      await until('the roles to be known', async () =>
        last !== undefined && (await cluster.allowed(last, AbortSignal.timeout(10_000))) ? true : undefined,
      );
    });

    it.each(ROLES)('I03 I11 allow the %s what the table of permissions says', async (role) => {
      const cluster = await clusterOf(ACCOUNTS[role]);
      expect(await answers(cluster, permissionsOf(role, NAMESPACES))).toEqual({
        allowed: expect.any(Array),
        refused: [],
      });
    });

    it.each(ROLES)('allow the %s nothing else, in any namespace', async (role) => {
      for (const place of PLACES) {
        // What every account may do: ask about itself.
        const everybody = await allowedIn('default', place);
        const ours = [...(await allowedIn(ACCOUNTS[role], place))].filter((one) => !everybody.has(one));
        const rows = permissionsOf(role, NAMESPACES).filter(({ namespace }) => namespace === '' || namespace === place);
        expect(ours.toSorted(), `${role} in ${place}`).toEqual([...new Set(rows.map(text))].toSorted());
      }
    });

    it.each(ROLES)('refuse the %s what would be dangerous', async (role) => {
      const cluster = await clusterOf(ACCOUNTS[role]);
      expect(await answers(cluster, FORBIDDEN)).toEqual({ allowed: [], refused: FORBIDDEN });
    });

    it('let a phase write the record of the run on its own namespace and on no other', async () => {
      const cluster = await clusterOf(ACCOUNTS.phase);
      await cluster.annotateNamespace(
        'k8s-upgrade',
        { 'nightlift/k8s-upgrade-target': '1.36.4' },
        AbortSignal.timeout(10_000),
      );
      expect(await cluster.namespaceAnnotations('k8s-upgrade', AbortSignal.timeout(10_000))).toMatchObject({
        'nightlift/k8s-upgrade-target': '1.36.4',
      });
      await expect(cluster.annotateNamespace('default', { a: 'b' }, AbortSignal.timeout(10_000))).rejects.toThrow(
        /forbidden/i,
      );
    });

    it.each(Object.keys(EXTRAS) as Extra[])(
      'are given what only a setting needs by the component %s alone',
      async (extra) => {
        const namespaces = { ...NAMESPACES, extras: [extra], kured: { namespace: 'kube-system', daemonSet: 'kured' } };
        const more = permissionsOf('phase', namespaces).filter((row) => row.extra === extra);
        expect(more).not.toEqual([]);
        const cluster = await clusterOf(ACCOUNTS.phase);
        expect(await answers(cluster, more)).toEqual({ allowed: [], refused: more });
        const overlay = join(ready().directory, `overlay-${extra}`);
        cpSync(join(ROOT, 'deploy'), overlay, { recursive: true });
        const file = join(overlay, 'kustomization.yaml');
        writeFileSync(file, readFileSync(file, 'utf8').replace(/^components: \[\].*$/m, `components: [${extra}]`));
        await kubectl(ready(), ['apply', '-k', overlay]);
        await until('the component to be known', async () =>
          (await answers(cluster, more)).refused.length === 0 ? true : undefined,
        );
        const others = Object.keys(EXTRAS).filter((one) => one !== extra) as Extra[];
        const rest = permissionsOf('phase', { ...namespaces, extras: others }).filter((row) => row.extra !== undefined);
        expect(await answers(cluster, rest)).toEqual({ allowed: [], refused: rest });
        await kubectl(ready(), ['delete', '-f', join(ROOT, 'deploy', extra, 'rbac.yaml')]);
        await until('it to be gone', async () =>
          (await answers(cluster, more)).allowed.length === 0 ? true : undefined,
        );
      },
    );

    it('let the report read and change nothing', async () => {
      const cluster = await clusterOf(ACCOUNTS.report);
      expect(await cluster.nodes(AbortSignal.timeout(10_000))).toEqual([]);
      await expect(
        cluster.writeConfigMap('k8s-upgrade', 'k8s-upgrade-config', {}, AbortSignal.timeout(10_000)),
      ).rejects.toThrow(/forbidden/i);
    });
  },
);
