import { describe, expect, it } from 'vitest';
import { surveyMessages } from '../../test/support/survey-findings.ts';
import type { NodeSurvey } from '../facts/node-survey.ts';
import { leftovers } from './leftovers.ts';

const unit = (...units: readonly string[]): Partial<NodeSurvey> => ({
  leftovers: { staged: [], units: [...units], sourceChanged: [], bytes: 0 },
});

describe('leftovers', () => {
  it.each<[string, Partial<NodeSurvey>, string[]]>([
    ['of nothing', {}, []],
    ['of a command for this version', unit('nightlift-stage-1-36-4-0123abcd active'), []],
    [
      'of one for another that is over',
      unit('nightlift-upgrade-1-35-9-0123abcd inactive', 'nightlift-stage-1-35-9-0123abcd failed'),
      [],
    ],
    [
      'of one for another that is at work',
      unit('nightlift-upgrade-1-36-40-0123abcd activating'),
      [
        'OtherUpgradeAtWork/block: commands of Nightlift are at work for another version than 1.36.4: worker-2 (nightlift-upgrade-1-36-40-0123abcd activating)',
      ],
    ],
    ['of something that is not called as ours are', unit('odd active', 'nightlift-x active'), []],
    ['of 5 GB of copies', { backups: { count: 9, bytes: 5e9 } }, []],
    [
      'I17 of 28 GB of copies',
      { backups: { count: 60, bytes: 28.04e9 } },
      ["BackupsLarge/warn: kubeadm's own copies in /etc/kubernetes/tmp take much room: worker-2 (60 with 28.0 GB)"],
    ],
  ])('%s', (_name, fields, want) => {
    expect(surveyMessages(leftovers, { surveys: { 'worker-2': fields } })).toEqual(want);
  });
});
