import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Fault } from './faults.ts';
import type { RequestRecord } from './request-log.ts';
import { StatusError } from './status-error.ts';
import type { ApiAnswer } from './write-request.ts';

/** One request as it goes through the server. */
export interface Exchange {
  readonly method: string;
  readonly url: URL;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly record: RequestRecord;
  readonly fault: Fault | undefined;
}

export function answerError(exchange: Exchange, error: unknown): void {
  if (exchange.response.headersSent) {
    exchange.response.destroy();
    return;
  }
  const known =
    error instanceof StatusError
      ? error
      : new StatusError(
          500,
          'InternalError',
          `Internal error occurred: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
  const retryAfter = known.status.details?.retryAfterSeconds;
  if (retryAfter !== undefined && retryAfter > 0) exchange.response.setHeader('retry-after', String(retryAfter));
  sendJson(exchange, { code: known.status.code, body: known.status });
}

export function sendJson(exchange: Exchange, { code, body, warning }: ApiAnswer): void {
  if (warning !== undefined) exchange.response.setHeader('warning', `299 - "${warning}"`);
  send(exchange, code, 'application/json', `${JSON.stringify(body)}\n`);
}

export function sendText(exchange: Exchange, code: number, text: string): void {
  send(exchange, code, 'text/plain; charset=utf-8', text);
}

function send(exchange: Exchange, code: number, contentType: string, text: string): void {
  const { response, record, fault } = exchange;
  const bytes = Buffer.from(text);
  record.status = code;
  response.writeHead(code, { 'content-type': contentType, 'content-length': bytes.length });
  if (fault?.kind !== 'truncated') {
    response.end(bytes);
    return;
  }
  response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => response.destroy());
}
