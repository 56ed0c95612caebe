import type { Faults } from './fault.ts';
import { type RecordedRequest, startFaultyHttpServer } from './faulty-http-server.ts';

export interface SlackMessage {
  readonly at: Date;
  readonly text: string;
  readonly blocks: readonly unknown[];
}

export interface Slack {
  /** A secret, as a real one. */
  readonly webhookUrl: string;
  readonly messages: readonly SlackMessage[];
  readonly requests: readonly RecordedRequest[];
  readonly faults: Faults;
  close(): Promise<void>;
}

const WEBHOOK = '/services/T0REHEARSAL/B0REHEARSAL/rehearsal-webhook-secret';

/** Slack's incoming webhook: keeps what it is sent, and answers as Slack does. */
export async function startSlack(options: { readonly now?: () => Date; readonly port?: number } = {}): Promise<Slack> {
  const now = options.now ?? (() => new Date());
  const messages: SlackMessage[] = [];
  const server = await startFaultyHttpServer({
    now,
    ...(options.port === undefined ? {} : { port: options.port }),
    handle(request) {
      if (request.path !== WEBHOOK) return { status: 404, body: 'no_service' };
      if (request.method !== 'POST') return { status: 405, body: 'method_not_allowed' };
      const payload = parsePayload(request.body);
      if (payload === undefined) return { status: 400, body: 'invalid_payload' };
      const text = typeof payload['text'] === 'string' ? payload['text'] : '';
      const blocks = Array.isArray(payload['blocks']) ? (payload['blocks'] as readonly unknown[]) : [];
      if (text === '' && blocks.length === 0) return { status: 400, body: 'no_text' };
      if (blocks.length > 50) return { status: 400, body: 'invalid_blocks' };
      messages.push({ at: now(), text, blocks });
      return { status: 200, body: 'ok' };
    },
  });
  return {
    webhookUrl: `${server.url}${WEBHOOK}`,
    messages,
    requests: server.requests,
    faults: server.faults,
    close: () => server.close(),
  };
}

function parsePayload(body: string): Record<string, unknown> | undefined {
  try {
    const payload: unknown = JSON.parse(body);
    return typeof payload === 'object' && payload !== null ? (payload as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
