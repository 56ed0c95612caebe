import { describe, expect, it } from 'vitest';
import { ETCD_VERSIONS, recordedHealth } from '../../../test/fixtures/recorded/etcd-health.ts';
import { NightliftError } from '../../errors.ts';
import { apiServerProblems, etcdProblems, parseControlPlaneHealth } from './control-plane-health.ts';

function messages(version: string, state: string, mended: Parameters<typeof etcdProblems>[1] = []): readonly string[] {
  const { stdout, stderr } = recordedHealth(version, state);
  const { etcd } = parseControlPlaneHealth(stdout, stderr);
  return etcd === null ? ['no etcd'] : etcdProblems(etcd, mended).map(({ message }) => message);
}

const STATES: readonly (readonly [string, readonly RegExp[]])[] = [
  ['single', []],
  ['well', []],
  ['not-started', [/^etcd member https:\/\/192\.0\.2\.14:2380 has never started$/]],
  ['learner', [/^etcd member cp4 is a learner and does not vote$/]],
  ['member-down', [/^etcd member cp3 does not answer: .*192\.0\.2\.13:2379: connect: connection refused$/]],
  ['expired-server', [/^etcd member cp3 does not answer: .*certificate has expired or is not yet valid/]],
  ['nospace', ['cp1', 'cp3', 'cp2'].map((name) => new RegExp(`^etcd member ${name} reports NOSPACE$`))],
];

describe.each(ETCD_VERSIONS)('what etcd %s says of itself', (version) => {
  it.each(STATES)('I06 D21 %s', (state, expected) => {
    const found = messages(version, state);
    expect(found).toHaveLength(expected.length);
    for (const pattern of expected) expect(found.filter((message) => pattern.test(message))).toHaveLength(1);
  });

  it.each([
    ['no-quorum', /asking etcd for "member list": context deadline exceeded/],
    ['down', /connect: connection refused/],
    ['expired-client', /"member list": .*(expired certificate|broken pipe|reset by peer)/],
  ])('D21 %s is an error that says what came back', (state, expected) => {
    expect(() => messages(version, state)).toThrow(expected);
    expect(() => messages(version, state)).toThrow(NightliftError);
  });

  it('finds nothing wrong in the member of a node that an earlier Job had begun with, and only in that one', () => {
    expect(messages(version, 'member-down', [{ name: 'cp3', internalIp: '192.0.2.13' }])).toEqual([]);
    expect(messages(version, 'member-down', [{ name: 'cp2', internalIp: '192.0.2.12' }])).toHaveLength(1);
    expect(messages(version, 'not-started', [{ name: 'cp4', internalIp: '192.0.2.14' }])).toEqual([]);
  });
});

describe('what etcd says of itself', () => {
  const { stdout, stderr } = recordedHealth('3.6.8', 'well');
  const changed = (from: RegExp, to: string): readonly string[] => {
    const { etcd } = parseControlPlaneHealth(stdout.replace(from, to), stderr);
    return etcd === null ? ['no etcd'] : etcdProblems(etcd, []).map(({ message }) => message);
  };

  it.each([
    ['a member that knows of no leader', /"leader":\d+,/, '', /knows of no leader|follow different leaders/],
    ['a split vote', /"leader":\d+,/, '"leader":7,', /follow different leaders/],
    ['another cluster', /"cluster_id":\d+(?=,"member_id":\d+,"revision")/, '"cluster_id":7', /another etcd answers/],
    ['another member', /"member_id":\d+(?=,"revision")/, '"member_id":7', /another etcd answers/],
    ['a corrupt member', /"raftIndex"/, '"errors":["memberID:7 alarm:CORRUPT "],"raftIndex"', /reports CORRUPT/],
    ['a member that is slow', /"health":true/, '"health":false,"error":"took too long"', /not healthy: took too long/],
  ])('%s is a problem', (_, from, to, expected) => {
    expect(changed(from, to).join('\n')).toMatch(expected);
  });

  it.each([
    ['nothing', ''],
    ['no line of etcd', 'nightlift-api-server\tcp2\t200\n'],
    ['an answer that breaks off', stdout.slice(0, stdout.length / 2)],
    ['an answer for another question', stdout.replace('etcd-status', 'etcd-health')],
    ['a page of a proxy', stdout.replaceAll(/\t.*/g, '\t<html>')],
    ['no members', stdout.replace(/"members":\[.*?\]\}\n/, '"members":[]}\n')],
  ])('D21 never takes %s for health', (_, text) => {
    expect(() => parseControlPlaneHealth(text, '')).toThrow(NightliftError);
  });

  it('says so when the control planes have no etcd of their own', () => {
    const answer = parseControlPlaneHealth('nightlift-etcd-external\tx\nnightlift-api-server\tcp2\t200\n', '');
    expect(answer).toEqual({ etcd: null, apiServers: new Map([['cp2', 200]]) });
  });
});

describe('what API servers say of themselves', () => {
  const ASKED = [{ node: 'cp2', address: '192.0.2.12:6443' }];
  it.each([
    ['200', []],
    ['401', []],
    ['403', []],
    ['500', [/cp2 says at 192\.0\.2\.12:6443\/readyz that it is not ready \(HTTP 500\)/]],
    ['000', [/cp2 does not answer at 192\.0\.2\.12:6443/]],
    ['', [/does not answer/]],
    ['200 OK', [/does not answer/]],
  ])('"%s"', (code, expected) => {
    const { apiServers } = parseControlPlaneHealth(
      `nightlift-etcd-external\tx\nnightlift-api-server\tcp2\t${code}\n`,
      '',
    );
    const found = apiServerProblems(ASKED, apiServers);
    expect(found).toHaveLength(expected.length);
    for (const [index, pattern] of expected.entries()) expect(found[index]?.message).toMatch(pattern);
  });

  it('does not take the answer of another one for it', () => {
    expect(apiServerProblems(ASKED, new Map([['cp3', 200]]))).toHaveLength(1);
  });
});
