import { describe, expect, it } from 'vitest';
import { ETCD_VERSIONS, recordedHealth } from '../../../test/fixtures/recorded/etcd-health.ts';
import { NightliftError } from '../../errors.ts';
import { apiServerProblems, type EtcdHealth, etcdProblems, parseControlPlaneHealth } from './control-plane-health.ts';

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

/** Three members that are well; the functions change what a test is about. */
function three(change: (etcd: Draft) => void = () => undefined): EtcdHealth {
  const url = (index: number, port: number): string => `https://192.0.2.1${index}:${port}`;
  const etcd: Draft = {
    members: {
      header: { cluster_id: 9 },
      members: [1, 2, 3].map((index) => ({
        ID: index,
        name: `cp${index}`,
        peerURLs: [url(index, 2380)],
        clientURLs: [url(index, 2379)],
        isLearner: false,
      })),
    },
    status: [1, 2, 3].map((index) => ({
      Endpoint: url(index, 2379),
      Status: { header: { cluster_id: 9, member_id: index }, leader: 1, errors: [] },
    })),
    health: [1, 2, 3].map((index) => ({ endpoint: url(index, 2379), health: true, error: '' })),
    said: '',
  };
  change(etcd);
  return etcd;
}

type Draft = {
  -readonly [key in keyof EtcdHealth]: EtcdHealth[key] extends readonly (infer T)[] ? T[] : EtcdHealth[key];
};
const refused = (error: string): string => JSON.stringify({ level: 'warn', error });
/** The first, which exists. */
function head<T>(list: readonly T[], at = 0): T {
  const found = list[at];
  if (found === undefined) throw new Error('there is none');
  return found;
}
const texts = (etcd: EtcdHealth): string[] => etcdProblems(etcd, []).map(({ message }) => message);

describe('etcdProblems', () => {
  it('finds none in members that are well', () => {
    expect(etcdProblems(three(), [])).toEqual([]);
  });

  it.each<[string, (etcd: Draft) => void, string[]]>([
    [
      'a member that has no name yet',
      ({ members }) =>
        Object.assign(head(members.members), { name: '', peerURLs: ['https://a:2380', 'https://b:2380'] }),
      ['etcd member https://a:2380, https://b:2380 has never started'],
    ],
    [
      'a member that nobody can ask',
      ({ members }) => Object.assign(head(members.members), { clientURLs: [] }),
      ['etcd member cp1 has never started'],
    ],
    [
      'a learner, whatever else is wrong with it',
      ({ members, status }) => {
        Object.assign(head(members.members), { isLearner: true });
        status.shift();
      },
      ['etcd member cp1 is a learner and does not vote'],
    ],
    ['a member without a status', ({ status }) => void status.shift(), ['etcd member cp1 does not answer']],
    ['a member without health', ({ health }) => void health.shift(), ['etcd member cp1 does not answer']],
    [
      'a member whose answer is another one',
      ({ health }) => Object.assign(head(health), { endpoint: 'https://192.0.2.19:2379' }),
      ['etcd member cp1 does not answer'],
    ],
    [
      'a member that is not healthy and does not say why',
      ({ health }) => Object.assign(head(health), { health: false }),
      ['etcd member cp1 is not healthy: it does not say why'],
    ],
    [
      'a member that is not healthy, in its own words',
      ({ health }) => Object.assign(head(health), { health: false, error: 'took too long' }),
      ['etcd member cp1 is not healthy: took too long'],
    ],
    [
      'a member without a leader, which then is another one than that of the rest',
      ({ status }) => Object.assign(head(status).Status, { leader: 0 }),
      ['etcd member cp1 knows of no leader', 'the members of etcd follow different leaders'],
    ],
    [
      'all members without a leader',
      ({ status }) => {
        for (const one of status) Object.assign(one.Status, { leader: 0 });
      },
      ['cp1', 'cp2', 'cp3'].map((name) => `etcd member ${name} knows of no leader`),
    ],
    [
      'an etcd of another cluster',
      ({ status }) => Object.assign(head(status).Status.header, { cluster_id: 7 }),
      ['another etcd answers in place of etcd member cp1'],
    ],
    [
      'an etcd of another member',
      ({ status }) => Object.assign(head(status).Status.header, { member_id: 7 }),
      ['another etcd answers in place of etcd member cp1'],
    ],
    [
      'each alarm once, and other errors in their own words',
      ({ status }) =>
        Object.assign(head(status).Status, {
          errors: ['memberID:1 alarm:NOSPACE ', 'memberID:2 alarm: NOSPACE', ' it is slow '],
        }),
      ['etcd member cp1 reports NOSPACE, it is slow'],
    ],
    [
      'two things at one member',
      ({ health, status }) => {
        Object.assign(head(health), { health: false });
        Object.assign(head(status).Status.header, { member_id: 7 });
      },
      ['etcd member cp1 is not healthy: it does not say why', 'another etcd answers in place of etcd member cp1'],
    ],
  ])('names %s', (_title, change, expected) => {
    expect(texts(three(change))).toEqual(expected);
  });

  it.each([
    ['corruption, which goes first', ['alarm:NOSPACE', 'alarm:CORRUPT'], /^The members do not have the same data/],
    ['a full quota', ['alarm:NOSPACE'], /^etcd is over its quota/],
    ['anything else', ['slow'], /^On a control plane, with the etcdctl/],
  ])('advises for %s', (_title, errors, remedy) => {
    const etcd = three(({ status }) => Object.assign(head(status).Status, { errors }));
    expect(etcdProblems(etcd, [])).toEqual([
      {
        reason: 'EtcdUnhealthy',
        message: expect.any(String) as string,
        remedy: expect.stringMatching(remedy) as string,
      },
    ]);
  });

  it('asks a member at any of its addresses', () => {
    const etcd = three(({ members }) => head(members.members).clientURLs.unshift('https://127.0.0.1:2379'));
    expect(texts(etcd)).toEqual([]);
  });

  it.each([
    [
      'the last cause of this member, and of no other',
      [
        refused('rpc error: code = Unavailable desc = dial tcp 192.0.2.11:2379: first'),
        refused('rpc error: code = Unavailable desc = error: dial tcp 192.0.2.11:2379: "last" '),
        refused('dial tcp 192.0.2.12:2379: of another'),
        'Failed to get the status of endpoint https://192.0.2.11:2379 (context deadline exceeded)',
      ],
      'etcd member cp1 does not answer: dial tcp 192.0.2.11:2379: last',
    ],
    ['no cause of another member', [refused('dial tcp 192.0.2.12:2379: no')], 'etcd member cp1 does not answer'],
    ['no cause that is empty', [refused('dial tcp 192.0.2.11:2379 desc = ')], 'etcd member cp1 does not answer'],
    ['no line that is not in the form of a log', ['192.0.2.11:2379 refused'], 'etcd member cp1 does not answer'],
  ])('gives for a member that does not answer %s', (_title, lines, message) => {
    const etcd = three((draft) => {
      draft.status.shift();
      draft.said = lines.join('\n');
    });
    expect(texts(etcd)).toEqual([message]);
  });

  it('looks for the cause at every address of the member', () => {
    const etcd = three((draft) => {
      draft.status.shift();
      head(draft.members.members).clientURLs.unshift('https://127.0.0.1:2379');
      draft.said = refused('dial tcp 192.0.2.11:2379: refused');
    });
    expect(texts(etcd)).toEqual(['etcd member cp1 does not answer: dial tcp 192.0.2.11:2379: refused']);
  });

  const unwell = (change: object): EtcdHealth =>
    three(({ members, status }) => {
      Object.assign(head(members.members), change);
      Object.assign(head(status).Status, { leader: 7 });
    });
  it.each<[string, object, { name: string; internalIp: string | null }, boolean]>([
    ['by its name', {}, { name: 'cp1', internalIp: null }, true],
    ['by its name, though its address is another one', {}, { name: 'cp1', internalIp: '192.0.2.99' }, true],
    [
      'not by its address when it has another name',
      { name: 'other' },
      { name: 'cp1', internalIp: '192.0.2.11' },
      false,
    ],
    ['by its address when it has no name', { name: '' }, { name: 'cp1', internalIp: '192.0.2.11' }, true],
    [
      'by an address of IPv6 when it has no name',
      { name: '', peerURLs: ['https://192.0.2.98:2380', 'https://[fd00::1]:2380'] },
      { name: 'cp1', internalIp: 'fd00::1' },
      true,
    ],
    ['not by another address', { name: '' }, { name: 'cp1', internalIp: '192.0.2.12' }, false],
    ['not without an address', { name: '' }, { name: '', internalIp: null }, false],
    ['not by what is no address', { name: '', peerURLs: ['x'] }, { name: 'cp1', internalIp: '192.0.2.11' }, false],
  ])(
    'knows the member of the node that is mended %s, and takes its leader for nothing',
    (_title, change, node, isIt) => {
      expect(etcdProblems(unwell(change), [node]).length === 0).toBe(isIt);
    },
  );
});

describe('an answer that is none', () => {
  const lines = (members: string, more = ''): string => `nightlift-etcd-members\t${members}\n${more}`;
  const error = (stdout: string, stderr = ''): unknown => {
    try {
      return parseControlPlaneHealth(stdout, stderr);
    } catch (thrown) {
      return thrown;
    }
  };

  it.each([
    ['nothing', '', 'it did not answer'],
    ['the cause in the log', `x\n${refused('rpc error: desc = connection refused')}\n`, 'connection refused'],
    ['the last words', 'first\nsecond\n  last words \n\n', 'last words'],
    ['the cause rather than the last words', `${refused('rpc error: desc = refused')}\nlast words`, 'refused'],
  ])('is told with %s', (_title, stderr, words) => {
    expect(error(lines(''), stderr)).toMatchObject({
      kind: 'node',
      message: `asking etcd for "member list": ${words}`,
      remedy: expect.stringMatching(/^See whether etcd runs.*etcdctl member list/) as string,
    });
  });

  it.each([
    ['no JSON', '<html>', 'the answer is not one of etcdctl: <html>'],
    ['another shape', '{"header":{}}', 'the answer is not one of etcdctl: {"header":{}} (header.cluster_id: '],
    ['a number', '7', 'the answer is not one of etcdctl: 7'],
    ['a long one', `[${'x'.repeat(200)}`, `the answer is not one of etcdctl: [${'x'.repeat(99)}`],
  ])('is told with its beginning and with where it goes wrong: %s', (_title, text, words) => {
    const found = error(lines(text));
    expect(found).toMatchObject({ kind: 'node', remedy: expect.stringContaining('etcdctl member list') as string });
    const { message } = found as Error;
    const start = `asking etcd for "member list": ${words}`;
    expect(words.endsWith(': ') ? message.slice(0, start.length) : message).toBe(start);
  });

  it.each([
    ['nightlift-etcd-status', 'endpoint status --cluster'],
    ['nightlift-etcd-health', 'endpoint health --cluster'],
  ])('is told with what was asked: %s', (key, question) => {
    const { stdout } = recordedHealth('3.6.8', 'well');
    const without = stdout.replace(new RegExp(`${key}\t.*`), `${key}\t`);
    expect(error(without)).toMatchObject({ message: `asking etcd for "${question}": it did not answer` });
  });

  it('takes what a member has not told yet for nothing', () => {
    const members = '{"header":{"cluster_id":9},"members":[{"ID":1}]}';
    const more =
      'nightlift-etcd-status\t[{"Endpoint":"e","Status":{"header":{"cluster_id":9,"member_id":1}}}]\nnightlift-etcd-health\t[{"endpoint":"e","health":true}]\n';
    expect(parseControlPlaneHealth(lines(members, more), 'said').etcd).toEqual({
      members: {
        header: { cluster_id: 9 },
        members: [{ ID: 1, name: '', peerURLs: [], clientURLs: [], isLearner: false }],
      },
      status: [{ Endpoint: 'e', Status: { header: { cluster_id: 9, member_id: 1 }, leader: 0, errors: [] } }],
      health: [{ endpoint: 'e', health: true, error: '' }],
      said: 'said',
    });
  });

  it.each([
    ['cluster', '{"header":{"cluster_id":-1},"members":[{"ID":1}]}'],
    ['member', '{"header":{"cluster_id":9},"members":[{"ID":-1}]}'],
  ])('is one whose number of the %s is below zero', (_title, text) => {
    expect(error(lines(text))).toBeInstanceOf(NightliftError);
  });

  it('counts only lines of ours, and an API server without three digits as silent', () => {
    const text =
      'api-server\tcp1\t200\nnightlift-api-server\tcp2\t0200\nnightlift-api-server\tcp3\nxnightlift-etcd-external\tx\nnightlift-etcd-external\tx\n';
    expect(parseControlPlaneHealth(text, '')).toEqual({
      etcd: null,
      apiServers: new Map([
        ['cp2', 0],
        ['cp3', 0],
      ]),
    });
    expect(error('otherlife-etcd-external\tx\n')).toBeInstanceOf(NightliftError);
  });
});
