import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../rehearsal/services/fault.ts';
import { type Slack, startSlack } from '../rehearsal/services/slack.ts';
import type { Notifier } from './notifier.ts';
import { createSlackNotifier } from './slack-notifier.ts';
import { createTextNotifier } from './text-notifier.ts';

const signal = new AbortController().signal;

describe('the Slack notifier', () => {
  let slack: Slack;
  let notifier: Notifier;
  const slept: number[] = [];

  beforeEach(async () => {
    slept.length = 0;
    slack = await startSlack();
    const clock = { now: () => new Date(), monotonic: () => 0, sleep: async (ms: number) => void slept.push(ms) };
    notifier = createSlackNotifier({
      webhookUrl: `${slack.webhookUrl}\n`,
      clock,
      userAgent: 'nightlift/test',
      deadlineMs: 2000,
    });
  });
  afterEach(() => slack.close());

  it('delivers text and blocks', async () => {
    await notifier.send({ text: '✅ K8s upgrade complete', blocks: [{ type: 'divider' }] }, signal);
    expect(slack.messages).toMatchObject([{ text: '✅ K8s upgrade complete', blocks: [{ type: 'divider' }] }]);
  });

  it('waits once, as long as Slack says', async () => {
    slack.faults.inject({ kind: 'status', status: 429, headers: { 'retry-after': '3' } }, { times: 1 });
    await notifier.send({ text: 'a' }, signal);
    expect([slept, slack.messages.length]).toEqual([[3000], 1]);
    slack.faults.inject({ kind: 'status', status: 429 });
    await expect(notifier.send({ text: 'b' }, signal)).rejects.toThrow(/HTTP 429/);
  });

  const faults: readonly (readonly [string, Fault])[] = [
    ['refuses', { kind: 'refuse' }],
    ['hangs', { kind: 'hang' }],
    ['answers a page', { kind: 'garbage' }],
    ['answers nothing', { kind: 'empty' }],
    [
      'does not know the webhook',
      { kind: 'status', status: 404, body: 'no_service /services/T0REHEARSAL/B0REHEARSAL/rehearsal-webhook-secret' },
    ],
    ['redirects', { kind: 'redirect-foreign' }],
  ];
  it.each(faults)('fails without showing the webhook when Slack %s', async (_name, fault) => {
    slack.faults.inject(fault);
    const error = await notifier.send({ text: 'a' }, signal).then(
      () => undefined,
      (reason: unknown) => reason as Error,
    );
    expect(error).toBeInstanceOf(Error);
    expect(`${error?.message} ${error?.stack} ${JSON.stringify(error)} ${String(error?.cause)}`).not.toMatch(
      /rehearsal-webhook-secret|T0REHEARSAL/,
    );
    expect(error?.message).toContain('the Slack webhook');
  });

  it('says that a webhook is no address, without showing it', async () => {
    const broken = createSlackNotifier({
      webhookUrl: 'hooks/secret-part',
      clock: { now: () => new Date(), monotonic: () => 0, sleep: async () => {} },
      userAgent: 'x',
    });
    await expect(broken.send({ text: 'a' }, signal)).rejects.toThrow(
      'fetching the Slack webhook: this is no http or https address',
    );
  });
});

it('the text notifier writes what Slack would have been sent', async () => {
  const lines: string[] = [];
  await createTextNotifier((text) => lines.push(text)).send({ text: 'hello' }, signal);
  expect(lines).toEqual(['hello']);
});
