import { describe, expect, it } from 'vitest';
import { type SurveyCase, surveyFindings } from '../../test/support/survey-findings.ts';
import { exampleControlPlaneSurvey } from '../facts/example-survey.ts';
import type { EtcdState, NodeSurvey } from '../facts/node-survey.ts';
import { known, unknown } from '../observed.ts';
import { etcdState } from './etcd-state.ts';

const GIB = 1024 ** 3;
const example = exampleControlPlaneSurvey().etcd.state;
if (example?.known !== true) throw new Error('the example has no etcd');
const state = example.value;

const here = (fields: Partial<EtcdState> = {}): { etcd: NodeSurvey['etcd'] } => ({
  etcd: { where: 'here', state: known({ ...state, ...fields }) },
});
const members = (...learner: readonly boolean[]): Partial<EtcdState> => ({
  members: learner.map((is, index) => ({ name: `cp-${index + 1}`, learner: is })),
});

function found(given: SurveyCase): readonly string[] {
  return surveyFindings(etcdState, given).map(
    ({ reason, severity, message }) => `${reason}/${severity} ${/cp-\d.*$/.exec(message)?.[0] ?? ''}`,
  );
}

describe('etcd-state', () => {
  it.each<[string, Partial<EtcdState>, string[]]>([
    ['is well', {}, []],
    ['has three members', members(false, false, false), []],
    ['has four', members(false, false, false, false), []],
    ['has an alarm', { alarms: ['NOSPACE'] }, ['EtcdAlarm/block cp-1 (NOSPACE)']],
    ['has a learner', members(false, true), ['EtcdLearner/warn cp-1 (cp-2)']],
    ['is filled to 80 %', { databaseBytes: 0.8 * 2 * GIB }, []],
    ['is filled to more', { databaseBytes: 0.81 * 2 * GIB }, ['EtcdFilling/warn cp-1 (1739 MB, 81 % of its quota)']],
    ['is full', { databaseBytes: 0.96 * 2 * GIB }, ['EtcdFull/block cp-1 (2062 MB, 96 % of its quota)']],
    ['has a quota of its own', { databaseBytes: 0.96 * 2 * GIB, quotaBytes: 8 * GIB }, []],
    ['does not say how large it is', { databaseBytes: null }, []],
    ['has two members, and no quorum while one restarts', members(false, false), ['EtcdOfTwo/warn cp-1']],
  ])('of one that %s', (_name, fields, want) => {
    expect(found({ surveys: { 'cp-1': here(fields) } })).toEqual(want);
  });

  it.each<[string, string, string, string[]]>([
    ['3.5.24', '1.33.9', '1.34.5', ['EtcdTooOld/block cp-1 (3.5.24)']],
    ['3.5.26', '1.33.9', '1.34.5', []],
    ['3.5.24', '1.33.8', '1.33.9', []],
    ['3.6.8', '1.36.3', '1.37.1', []],
    ['3.5.26-rc.0', '1.33.9', '1.34.5', ['EtcdTooOld/block cp-1 (3.5.26-rc.0)']],
    ['unreadable', '1.33.9', '1.34.5', ['EtcdTooOld/block cp-1 (unreadable)']],
    ['unreadable', '1.34.5', '1.35.1', []],
    ['unreadable', '1.33.8', '1.33.9', []],
  ])('%s on the way from %s to %s says %j', (version, running, target, want) => {
    expect(found({ surveys: { 'cp-1': here({ version }) }, running, target })).toEqual(want);
  });

  it('says when the members are of several versions', () => {
    const three = members(false, false, false);
    expect(found({ surveys: { 'cp-1': here(three), 'cp-2': here({ ...three, version: '3.6.6' }) } })).toEqual([
      'EtcdVersionsDiffer/warn cp-1 (3.6.8), cp-2 (3.6.6)',
    ]);
  });

  it('says when it is not known how etcd is', () => {
    const silent = { etcd: { where: 'here' as const, state: unknown('context deadline exceeded') } };
    expect(found({ surveys: { 'cp-1': silent } })).toEqual(['EtcdNotKnown/warn cp-1 (context deadline exceeded)']);
    const none = { etcd: { where: 'none' as const, state: null } };
    expect(found({ surveys: { 'cp-1': none } })).toEqual([
      'EtcdNotKnown/warn cp-1 (its API server has no --etcd-servers, or no manifest)',
    ]);
    expect(found({ surveys: { 'cp-1': none }, nodes: { 'cp-1': { unfinished: '1.36.4' } } })).toEqual([]);
  });

  it.each<[boolean, string, string[]]>([
    [true, '', ['EtcdExternal/block cp-1']],
    [true, 'backup-etcd', ['EtcdExternal/warn cp-1']],
    [false, '', ['EtcdExternal/warn cp-1']],
  ])('of an external one, with snapshot.required %s and the CronJob "%s", says %j', (required, cronJob, want) => {
    const external = { etcd: { where: 'elsewhere' as const, state: null } };
    const options = { snapshot: { required, cronJob } };
    expect(found({ surveys: { 'cp-1': external }, options })).toEqual(want);
    expect(found({ surveys: { 'cp-1': external }, options, nodes: { 'cp-1': { unfinished: '1.36.4' } } })).toEqual([]);
  });
});
