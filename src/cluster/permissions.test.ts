import { describe, expect, it } from 'vitest';
import { parseSettings } from '../settings/parse-settings.ts';
import { EXTRAS, type Extra, namespacesOf, permissionsOf, type Role } from './permissions.ts';

const NAMESPACES = { own: 'k8s-upgrade', snapshot: 'backup' };
const text = (rows: ReturnType<typeof permissionsOf>): string[] =>
  rows.map(({ verb, group, resource, namespace, name = '' }) =>
    [verb, `${resource}${group === '' ? '' : `.${group}`}`, namespace, name].filter((part) => part !== '').join(' '),
  );

/** Without what only the records of runs need. */
const needed = (role: Role) => permissionsOf(role, NAMESPACES).filter(({ isNotAsked }) => isNotAsked === undefined);

describe('the permissions', () => {
  it('I03 of a phase hold what a drain and a quiesce need', () => {
    expect(text(permissionsOf('phase', NAMESPACES))).toEqual(
      expect.arrayContaining(['create pods/eviction', 'patch nodes']),
    );
    expect(text(permissionsOf('phase', { ...NAMESPACES, extras: ['patch-workloads'] }))).toEqual(
      expect.arrayContaining(['get deployments.apps', 'patch deployments.apps', 'patch statefulsets.apps']),
    );
  });

  it('I11 of a phase hold the log of the snapshot Job, in its namespace', () => {
    expect(text(permissionsOf('phase', NAMESPACES))).toContain('get pods/log backup');
  });

  it('of the report change nothing', () => {
    const verbs = new Set(permissionsOf('report', NAMESPACES).map(({ verb }) => verb));
    expect([...verbs].toSorted()).toEqual(['get', 'list']);
  });

  it('of the detector and of a phase hold all of the report, and no row is there twice', () => {
    const [report, detector, phase] = (['report', 'detector', 'phase'] as const).map((role) =>
      text(permissionsOf(role, NAMESPACES)),
    );
    expect(detector).toEqual(expect.arrayContaining(report ?? []));
    expect(phase).toEqual(expect.arrayContaining(report ?? []));
    expect(new Set(phase).size).toBe(phase?.length);
  });

  it('of a phase change no ConfigMap but records of runs: it cannot lift the kill switch', () => {
    expect(text(needed('phase')).filter((row) => / configmaps /.test(row))).toEqual([
      'get configmaps k8s-upgrade k8s-upgrade-killswitch',
      'get configmaps k8s-upgrade k8s-upgrade-state',
      'get configmaps kube-system kubeadm-config',
      'get configmaps kube-system apiserver-oidc-restore',
    ]);
  });

  it('of the detector change the one ConfigMap that it keeps its memory in, not those that run as root', () => {
    const rows = text(needed('detector')).filter((row) => /^(patch|update|delete) configmaps/.test(row));
    expect(rows).toEqual(['patch configmaps k8s-upgrade k8s-upgrade-state']);
  });

  it.each(['detector', 'phase'] as const)('of the %s change records of runs by their names', (role) => {
    const told = permissionsOf(role, NAMESPACES).filter(({ isNotAsked }) => isNotAsked === true);
    const changing = told.filter(({ verb, name }) => verb !== 'create' && name !== 'k8s-upgrade-staging');
    expect(new Set(changing.map(({ verb }) => verb))).toEqual(new Set(['get', 'patch']));
    expect(changing).toHaveLength(60);
    for (const { name } of changing) expect(name).toMatch(/^k8s-upgrade-run-\d\d$/);
  });

  const NEEDING: readonly (readonly [settings: string, extras: readonly Extra[], added: readonly string[]])[] = [
    ['', [], []],
    ['drain: { policies: [{ namespace: a, action: wait }, { namespace: b, action: give-up }] }', [], []],
    ['drain: { policies: [{ namespace: a, action: delete-after }] }', ['delete-pods'], ['delete pods']],
    [
      'drain: { policies: [{ namespace: a, action: restart-owner }] }',
      ['patch-workloads'],
      ['get deployments.apps', 'patch deployments.apps', 'get statefulsets.apps', 'patch statefulsets.apps'],
    ],
    [
      'quiesce: [{ namespace: a, name: b }]',
      ['patch-workloads'],
      ['get deployments.apps', 'patch deployments.apps', 'get statefulsets.apps', 'patch statefulsets.apps'],
    ],
    ['kured: { takeLock: true, daemonSet: reboots }', ['kured'], ['patch daemonsets.apps kube-system reboots']],
    ['kured: { takeLock: true, daemonSet: "" }', [], []],
    [
      'smoke: { storageClasses: [fast] }',
      ['smoke-claims'],
      ['list', 'create', 'delete'].map((verb) => `${verb} persistentvolumeclaims k8s-upgrade`),
    ],
  ];
  it.each(NEEDING)('with %j are those of every run and %j', (settings, extras, added) => {
    const namespaces = namespacesOf(parseSettings(settings, 'a test'));
    expect(namespaces.extras).toEqual(extras);
    const rows = permissionsOf('phase', namespaces);
    expect(text(rows.filter(({ extra }) => extra !== undefined))).toEqual(added);
    const base = permissionsOf('phase', namespacesOf(parseSettings('', 'a test')));
    expect(rows.filter(({ extra }) => extra === undefined)).toEqual(base);
    expect(Object.keys(EXTRAS)).toEqual(expect.arrayContaining([...extras]));
  });
});
