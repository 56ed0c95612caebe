import type { Clock } from '../clock.ts';
import { NightliftError } from '../errors.ts';
import { describeBody } from '../http/describe-body.ts';
import { fetchText, type TextAnswer } from '../http/fetch-text.ts';
import type { Notifier } from './notifier.ts';

export interface SlackNotifierOptions {
  /** A secret as a whole: whoever has it can write to the channel. It is in no message and no log. */
  readonly webhookUrl: string;
  readonly clock: Clock;
  readonly userAgent: string;
  readonly deadlineMs?: number;
}

const NAME = 'the Slack webhook';
const LONGEST_PAUSE_MS = 60_000;

/** An incoming webhook of Slack, which says that it took a message with nothing but "ok". */
export function createSlackNotifier(options: SlackNotifierOptions): Notifier {
  const webhook = options.webhookUrl.trim();
  const post = (body: string, signal: AbortSignal): Promise<TextAnswer> =>
    fetchText(webhook, {
      signal,
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8', 'user-agent': options.userAgent },
      body,
      deadlineMs: options.deadlineMs ?? 15_000,
      maxBytes: 65_536,
      name: NAME,
    });
  return {
    async send(message, signal) {
      const body = JSON.stringify(message);
      let answer = await post(body, signal);
      if (answer.status === 429) {
        await options.clock.sleep(Math.min(answer.retryAfterMs ?? 1000, LONGEST_PAUSE_MS), signal);
        answer = await post(body, signal);
      }
      if (answer.status === 200 && answer.body.trim() === 'ok') return;
      throw new NightliftError(
        'network',
        `sending a message to ${NAME}: HTTP ${answer.status} with ${redact(describeBody(answer.body), webhook)}`,
        {
          remedy: 'Check slack_webhook in the Secret k8s-upgrade-creds: it is revoked, or not a Slack webhook.',
        },
      );
    },
  };
}

/** An answer may repeat what it was asked, and with it the secret in the path. */
function redact(text: string, webhook: string): string {
  const { pathname } = new URL(webhook);
  return [webhook, pathname, ...pathname.split('/').filter((part) => part.length > 6)].reduce(
    (rest, secret) => rest.replaceAll(secret, '***'),
    text,
  );
}
