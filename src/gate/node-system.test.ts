import { describe, expect, it } from 'vitest';
import { surveyFindings, surveyMessages } from '../../test/support/survey-findings.ts';
import { nodeSystem } from './node-system.ts';

const ALMA = { id: 'almalinux', version: '9.6', name: 'AlmaLinux 9.6 (Sage Margay)' };

describe('node-system', () => {
  it('has nothing to say of nodes that apt upgrades, of any architecture that there are packages for', () => {
    const surveys = Object.fromEntries(
      ['x86_64', 'aarch64', 's390x', 'ppc64le'].map((architecture) => [architecture, { architecture }]),
    );
    expect(surveyMessages(nodeSystem, { surveys })).toEqual([]);
  });

  it('refuses a system without apt, by its name, and does not list the programs of apt besides', () => {
    const missingTools = ['apt-get', 'apt-cache', 'apt-mark', 'dpkg', 'gpg'];
    expect(
      surveyMessages(nodeSystem, {
        surveys: {
          'worker-2': { os: ALMA, missingTools },
          'worker-3': { os: { id: '', version: '', name: '' }, missingTools: ['dpkg'] },
        },
      }),
    ).toEqual([
      'SystemUnsupported/block: Nightlift upgrades with apt and dpkg, which these nodes do not have: worker-2 (AlmaLinux 9.6 (Sage Margay)), worker-3 (a system without /etc/os-release)',
    ]);
  });

  it.each([
    ['armv7l', /worker-2 \(armv7l\)$/],
    ['', /worker-2 \(not known\)$/],
  ])('refuses the architecture "%s"', (architecture, message) => {
    expect(surveyFindings(nodeSystem, { surveys: { 'worker-2': { architecture } } })).toMatchObject([
      { reason: 'ArchitectureUnsupported', severity: 'block', message: expect.stringMatching(message) as string },
    ]);
  });

  it('refuses for programs that are missing, with the packages that bring all of them', () => {
    const surveys = {
      'worker-2': { missingTools: ['gpg', 'apt-helper'] },
      'worker-3': { missingTools: ['flock', 'gpg'] },
    };
    expect(surveyFindings(nodeSystem, { surveys })).toMatchObject([
      {
        reason: 'ToolMissing',
        severity: 'block',
        message: 'programs are missing that the upgrade needs: worker-2 (gpg; apt-helper), worker-3 (flock; gpg)',
        remedy: 'On each: apt-get install -y apt gpg util-linux',
      },
    ]);
  });
});
