import { describe, expect, it } from 'vitest';
import { permissionsOf, phasePermissions } from './permissions.ts';

const NAMESPACES = { own: 'k8s-upgrade', snapshot: 'backup' };
const text = (rows: ReturnType<typeof permissionsOf>): string[] =>
  rows.map(({ verb, group, resource, namespace }) =>
    `${verb} ${resource}${group === '' ? '' : `.${group}`} ${namespace}`.trim(),
  );

describe('the permissions', () => {
  it('I03 of a phase hold what a drain and a quiesce need', () => {
    expect(text(permissionsOf('phase', NAMESPACES))).toEqual(
      expect.arrayContaining([
        'create pods/eviction',
        'patch nodes',
        'get deployments.apps',
        'patch statefulsets.apps',
      ]),
    );
  });

  it('I11 of a phase hold the log of the snapshot Job, in its namespace', () => {
    expect(text(phasePermissions('k8s-upgrade', 'backup'))).toContain('get pods/log backup');
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

  it('of a phase change no ConfigMap: it cannot lift the kill switch', () => {
    expect(text(permissionsOf('phase', NAMESPACES)).filter((row) => / configmaps /.test(row))).toEqual([
      'get configmaps k8s-upgrade',
      'get configmaps kube-system',
    ]);
  });
});
