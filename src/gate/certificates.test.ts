import { describe, expect, it } from 'vitest';
import { surveyFindings } from '../../test/support/survey-findings.ts';
import { exampleSurvey } from '../facts/example-survey.ts';
import type { NodeSurvey } from '../facts/node-survey.ts';
import { certificates } from './certificates.ts';

/** That of exampleFacts. */
const NOW = Date.parse('2026-11-21T06:07:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const at = (ms: number): string => new Date(NOW + ms).toISOString();
const lasting = (file: string, left: number, whole = 365 * DAY): NodeSurvey['certificates'][number] => ({
  file,
  startsAt: at(left - whole),
  endsAt: at(left),
});

function found(fields: Partial<NodeSurvey>): readonly string[] {
  return surveyFindings(certificates, { surveys: { 'cp-1': fields } }).map(
    ({ reason, severity, message }) => `${reason}/${severity} ${/cp-1.*$/.exec(message)?.[0] ?? ''}`,
  );
}

const CA = '/etc/kubernetes/pki/etcd/ca.crt';
const SERVER = '/etc/kubernetes/pki/apiserver.crt';
const ADMIN = '/etc/kubernetes/admin.conf';
const OTHER = '/etc/kubernetes/pki/own.crt';
const KUBELET = '/var/lib/kubelet/pki/kubelet-client-current.pem';

describe('certificates', () => {
  it.each<[string, number, string[]]>([
    [CA, 30 * DAY, []],
    [CA, DAY, [`CertificateEndsSoon/warn cp-1 (${CA} in 1 d)`]],
    [CA, 29 * DAY, [`CertificateEndsSoon/warn cp-1 (${CA} in 29 d)`]],
    [CA, 5 * HOUR, [`CertificateEndsInRun/block cp-1 (${CA} in 5 h)`]],
    [CA, -2 * HOUR, [`CertificateEnded/block cp-1 (${CA} 2 h ago)`]],
    [SERVER, 5 * HOUR, [`CertificateEndsSoon/warn cp-1 (${SERVER} in 5 h, renewed by the upgrade)`]],
    [SERVER, -5 * HOUR, [`CertificateEnded/block cp-1 (${SERVER} 5 h ago)`]],
    [ADMIN, 5 * HOUR, [`CertificateEndsSoon/warn cp-1 (${ADMIN} in 5 h, renewed by the upgrade)`]],
    [ADMIN, 0, [`CertificateEnded/block cp-1 (${ADMIN} 0 s ago)`]],
    [OTHER, 5 * HOUR, [`CertificateEndsSoon/warn cp-1 (${OTHER} in 5 h)`]],
    [OTHER, -5 * HOUR, [`CertificateEndsSoon/warn cp-1 (${OTHER} 5 h ago)`]],
    [KUBELET, 29 * DAY, []],
    [KUBELET, 18 * DAY, [`CertificateEndsSoon/warn cp-1 (${KUBELET} in 18 d)`]],
    [KUBELET, -1, [`CertificateEnded/block cp-1 (${KUBELET} 0 s ago)`]],
  ])('of %s with %d ms left says %j', (file, left, want) => {
    expect(found({ certificates: [lasting(file, left)] })).toEqual(want);
  });

  it('lets certificates of the kubelet be as short as a cluster wants them', () => {
    expect(found({ certificates: [lasting(KUBELET, 8 * HOUR, DAY)] })).toEqual([]);
    expect(found({ certificates: [lasting(KUBELET, HOUR, DAY)] })).toHaveLength(1);
  });

  it('knows that a kubelet which does not rotate is like an authority', () => {
    const { kubelet } = exampleSurvey();
    const still = { kubelet: { ...kubelet, config: {} } };
    expect(found({ ...still, certificates: [lasting(KUBELET, 5 * HOUR)] })).toEqual([
      `CertificateEndsInRun/block cp-1 (${KUBELET} in 5 h)`,
    ]);
    expect(found({ ...still, certificates: [lasting(SERVER, 5 * HOUR)] })).toEqual([
      `CertificateEndsSoon/warn cp-1 (${SERVER} in 5 h, renewed by the upgrade)`,
    ]);
  });

  it('says which could not be read, and judges one whose start is not known by its end', () => {
    const unread = { file: SERVER, startsAt: null, endsAt: null };
    expect(found({ certificates: [unread] })).toEqual([`CertificateNotRead/warn cp-1 (${SERVER})`]);
    expect(found({ certificates: [{ ...lasting(CA, HOUR), startsAt: null }] })).toHaveLength(1);
    expect(found({ certificates: [{ ...lasting(KUBELET, 29 * DAY), startsAt: null }] })).toHaveLength(1);
  });
});
