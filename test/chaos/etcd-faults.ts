import type { FailRule } from '../../src/rehearsal/nodes/command-log.ts';
import type { Settings } from '../../src/settings/settings.ts';
import { recordedEtcd } from '../fixtures/recorded/etcd-health.ts';
import type { FaultScene } from './fault-scene.ts';
import { type Injection, NOTHING_TO_END, SHORT_MS } from './injection.ts';

/** How each question of control-plane-health.sh is asked; every one of a state was recorded. */
const QUESTIONS = {
  members: /^etcdctl .*member list/,
  status: /^etcdctl .*endpoint status --cluster/,
  health: /^etcdctl .*endpoint health --cluster/,
} as const;
/** The words of the table, and the state of a real etcd that was recorded. */
const STATES: Readonly<Record<string, string>> = {
  refused: 'down',
  'no quorum': 'no-quorum',
  'one member down': 'member-down',
  'a learner': 'learner',
  'a member that never started': 'not-started',
  alarm: 'nospace',
  'expired certificate': 'expired-client',
  'expired certificate of a member': 'expired-server',
};
/** What etcdctl does whatever it is asked. */
const ANSWERS: Readonly<Record<string, Omit<FailRule, 'match'>>> = {
  hangs: { waitMs: SHORT_MS, exitCode: 1, stderr: 'Error: context deadline exceeded\n' },
  error: { exitCode: 1, stderr: 'Error: etcdserver: request timed out\n' },
  empty: { exitCode: 0 },
  garbage: { exitCode: 0, stdout: '<html>Sign in</html>\n' },
  truncated: { exitCode: 0, stdout: '{"header":{"cluster_id":1203568807123,"mem' },
  slow: { waitMs: SHORT_MS },
};
const WORDS = /^(.*?)( in the snapshot)?( for a moment)?$/;
/** What etcd-snapshot.sh asks, and nobody else. */
const SNAPSHOT = /^etcdctl (?!.*--cluster)(?!.*member list)/;

function recorded(state: string, question: string): Omit<FailRule, 'match'> {
  const { exitCode, stdout, stderr } = recordedEtcd('3.6.8', state, question);
  return { exitCode, stdout, stderr };
}

/** etcd as its own program on the node tells of it. */
export function etcdFault({ cluster }: FaultScene, words: string): Injection {
  const { commands } = cluster.nodes;
  const [, fault = '', snapshot, moment] = WORDS.exec(words) ?? [];
  const before = commands.records.length;
  const times = moment === undefined ? {} : { times: 1 };
  const state = STATES[fault];
  const answer = ANSWERS[fault];
  if (state === undefined && answer === undefined) throw new Error(`no such fault of etcd: ${words}`);
  if (snapshot !== undefined) {
    const said = answer ?? { exitCode: 1, stderr: recorded(state ?? '', 'members').stderr ?? '' };
    commands.fail({ match: SNAPSHOT, ...said, ...times });
  } else {
    for (const [question, match] of Object.entries(QUESTIONS))
      commands.fail({ match, ...(answer ?? recorded(state ?? '', question)), ...times });
  }
  const met = snapshot === undefined ? QUESTIONS.members : SNAPSHOT;
  return {
    options: { settings: (read) => asked(read, snapshot !== undefined, moment !== undefined) },
    hits: () => commands.records.slice(before).filter(({ argv }) => met.test(argv.join(' '))).length,
    end: NOTHING_TO_END,
  };
}

function asked(read: Settings, inSnapshot: boolean, isMoment: boolean): Settings {
  // Without a CronJob for it the snapshot is our own.
  if (inSnapshot) return { ...read, snapshot: { ...read.snapshot, cronJob: '' } };
  // What is lasting is looked at for as long as it takes to ask a few times.
  return isMoment ? read : { ...read, waits: { ...read.waits, readySeconds: 0.8 } };
}
