import { z } from 'zod';
import type { EtcdState, NodeSurvey } from '../facts/node-survey.ts';
import { known, type Observed, unknown } from '../observed.ts';
import { oneLine } from '../plain-text.ts';
import { all, first, firsts, type Lines, positive } from './survey-lines.ts';

const Members = z.object({
  members: z.array(z.object({ name: z.string().default(''), isLearner: z.boolean().default(false) })),
});
const Status = z
  .array(z.object({ Status: z.object({ version: z.string(), dbSize: z.number().nonnegative() }) }))
  .min(1);
/** The kind of an alarm is a number: etcd's own AlarmType. */
const Alarms = z.object({ alarms: z.array(z.object({ alarm: z.number() })).nullish() });
const ALARMS: Readonly<Record<number, string>> = { 1: 'NOSPACE', 2: 'CORRUPT' };

export function etcdOf(lines: Lines, directoryBytes: number | null): NodeSurvey['etcd'] {
  const [servers = ''] = first(lines, 'etcd-servers');
  const own = first(lines, 'etcd');
  if (own.length === 0) return { where: servers === '' ? 'none' : 'elsewhere', state: null };
  return { where: 'here', state: etcdState(lines, own, directoryBytes) };
}

function etcdState(lines: Lines, own: readonly string[], directoryBytes: number | null): Observed<EtcdState> {
  const [dataDirectory = '', listenUrls = '', quota = ''] = own.map(oneLine);
  const [silent] = firsts(lines, 'etcd-silent');
  if (silent !== undefined) return unknown(silent);
  const answers = new Map(all(lines, 'etcd-answer').map(([question = '', answer = '']) => [question, answer]));
  const read = <S extends z.ZodType>(question: string, schema: S): z.infer<S> | undefined => {
    try {
      const answer = schema.safeParse(JSON.parse(answers.get(question) ?? ''));
      return answer.success ? answer.data : undefined;
    } catch {
      return undefined;
    }
  };
  const members = read('member list', Members);
  const status = read('endpoint status', Status);
  const alarms = read('alarm list', Alarms);
  if (members === undefined || status === undefined || alarms === undefined) {
    const said = [...answers].map(([question, answer]) => `${question}: ${oneLine(answer.slice(0, 200))}`).join('; ');
    return unknown(`etcd did not answer as etcd does: ${said || 'nothing came'}`);
  }
  return known({
    version: oneLine(status[0]?.Status.version ?? ''),
    dataDirectory,
    listenUrls: listenUrls.split(',').filter((url) => url !== ''),
    members: members.members.map(({ name, isLearner }) => ({ name: oneLine(name), learner: isLearner })),
    databaseBytes: status[0]?.Status.dbSize ?? null,
    directoryBytes,
    quotaBytes: positive(quota),
    alarms: (alarms.alarms ?? []).map(({ alarm }) => ALARMS[alarm] ?? `alarm ${alarm}`),
  });
}
