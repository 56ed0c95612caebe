import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { permissionsOf, type Role } from '../cluster/permissions.ts';
import { packBundle } from './bundle.ts';
import { deployFiles } from './deploy-files.ts';
import { ACCOUNTS, type InstallObject } from './install-object.ts';
import { installObjects } from './install-objects.ts';
import { readInstallTemplates } from './install-templates.ts';

const templates = readInstallTemplates(join(import.meta.dirname, '../../templates'));
const names = (objects: readonly InstallObject[]): string[] =>
  objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

describe('the objects of an install', () => {
  it('have the names that the runbook gives them', () => {
    expect(names(installObjects({ templates }))).toEqual(
      expect.arrayContaining([
        'Namespace k8s-upgrade',
        'ServiceAccount k8s-upgrade-job',
        'ConfigMap k8s-upgrade-config',
        'ConfigMap k8s-upgrade-scripts',
        'ConfigMap k8s-upgrade-job-template',
        'CronJob k8s-version-check',
        'CronJob k8s-upgrade-nightly-report',
      ]),
    );
  });

  it('come in an order in which each can be applied', () => {
    const kinds = installObjects({ templates }).map(({ kind }) => kind);
    expect(kinds[0]).toBe('Namespace');
    expect(kinds.slice(-2)).toEqual(['CronJob', 'CronJob']);
  });

  it('never hold a Secret', () => {
    expect(names(installObjects({ templates })).filter((name) => name.startsWith('Secret'))).toEqual([]);
  });

  it('have the texts of templates/ as they are', () => {
    const data = (name: string) =>
      installObjects({ templates }).find(({ metadata }) => metadata.name === name)?.['data'];
    expect(data('k8s-upgrade-scripts')).toEqual(templates.scripts);
    expect(data('k8s-upgrade-job-template')).toEqual({ 'job-template.yaml': templates.job });
  });

  it('stand in the namespaces of the settings', () => {
    const objects = installObjects({ templates, config: 'namespace: upgrades\nsnapshot: { namespace: backup }\n' });
    const places = objects
      .filter(({ kind }) => !kind.startsWith('ClusterRole'))
      .map(({ metadata }) => metadata.namespace ?? metadata.name);
    expect([...new Set(places)].toSorted()).toEqual(['backup', 'kube-system', 'upgrades']);
  });

  it('keep the Role for snapshots apart where it shares its namespace with another', () => {
    const objects = installObjects({ templates, config: 'snapshot: { namespace: kube-system }\n' });
    const keys = objects.map(({ kind, metadata }) => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('let the lock of kured be taken on that one DaemonSet, and only when the settings say so', () => {
    const kured = (config: string) =>
      installObjects({ templates, config }).filter(({ metadata }) => metadata.name.endsWith('-kured'));
    expect(kured('{}')).toEqual([]);
    const objects = kured('kured: { takeLock: true, namespace: ops, daemonSet: reboots }\n');
    expect(names(objects)).toEqual(
      [ACCOUNTS.phase, ACCOUNTS.detector].flatMap((account) => [
        `Role ${account}-kured`,
        `RoleBinding ${account}-kured`,
      ]),
    );
    expect([...new Set(objects.map(({ metadata }) => metadata.namespace))]).toEqual(['ops']);
    const one = { apiGroups: ['apps'], resources: ['daemonsets'], resourceNames: ['reboots'] };
    expect(objects.flatMap((object) => object['rules'] ?? [])).toEqual([
      { ...one, verbs: ['patch'] },
      { ...one, verbs: ['get', 'patch'] },
    ]);
  });

  it('let pods be deleted and workloads be patched only when the settings say so, in roles of their own', () => {
    const roles = (config: string) =>
      names(installObjects({ templates, config })).filter((name) =>
        /^(Cluster)?Role(Binding)? .*-(pods|workloads)$/.test(name),
      );
    expect(roles('{}')).toEqual([]);
    expect(roles('drain: { policies: [{ namespace: a, action: delete-after }] }')).toEqual([
      'ClusterRole k8s-upgrade-job-delete-pods',
      'ClusterRoleBinding k8s-upgrade-job-delete-pods',
    ]);
    expect(roles('quiesce: [{ namespace: a, name: b }]')).toEqual([
      'ClusterRole k8s-upgrade-job-patch-workloads',
      'ClusterRoleBinding k8s-upgrade-job-patch-workloads',
    ]);
    const granted = JSON.stringify(installObjects({ templates, config: '{}' }).map((object) => object['rules']));
    expect(granted).not.toMatch(/"deployments"[^{]*"patch"/);
    expect(granted).not.toMatch(/"pods"\],"verbs":\[[^\]]*"delete"/);
  });

  it('refuse settings that are wrong before anything is applied', () => {
    expect(() => installObjects({ templates, config: 'alert: {}\n' })).toThrow(/did you mean "alerts"/);
  });

  it.each(['phase', 'detector', 'report'] satisfies Role[])(
    'I03 grant the %s exactly the rows of the table',
    (role) => {
      const objects = installObjects({ templates });
      const granted = objects
        .filter(
          ({ kind, metadata }) => kind.endsWith('Role') && metadata.name.replace('-snapshot', '') === ACCOUNTS[role],
        )
        .flatMap(({ metadata, ...object }) =>
          (object['rules'] as readonly Rule[]).flatMap(({ apiGroups, resources, verbs, resourceNames }) =>
            apiGroups.flatMap((group) =>
              resources.flatMap((resource) =>
                verbs.flatMap((verb) =>
                  (resourceNames?.map((name) => ({ name })) ?? [{}]).map((only) =>
                    JSON.stringify({ verb, group, resource, namespace: metadata.namespace ?? '', ...only }),
                  ),
                ),
              ),
            ),
          ),
        );
      const columns = ['verb', 'group', 'resource', 'namespace', 'name'];
      const rows = permissionsOf(role, { own: 'k8s-upgrade', snapshot: 'default' }).map((row) =>
        JSON.stringify(row, columns),
      );
      expect(granted.toSorted()).toEqual(rows.toSorted());
    },
  );

  it('without an image of ours run the stock image, in the CronJobs and in the chain', () => {
    const objects = installObjects({ templates, bundle: packBundle(Buffer.from('1')) });
    expect(JSON.stringify(objects.filter(({ kind }) => kind === 'CronJob'))).toContain('"image":"node:24-slim"');
    expect(JSON.stringify(objects)).not.toContain('nightlift:0.1.0');
    expect(names(objects)).toContain('ConfigMap k8s-upgrade-program');
  });

  it('survive being written as YAML', () => {
    const objects = new Map(installObjects({ templates }).map((object) => [object.metadata.name, object] as const));
    const text = deployFiles(templates, '{}').get('deploy/base/scripts.yaml') ?? '';
    expect(parse(text)).toEqual(objects.get('k8s-upgrade-scripts'));
  });
});
