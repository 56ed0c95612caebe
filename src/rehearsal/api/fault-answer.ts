import { type Exchange, sendText } from './exchange.ts';
import type { Fault } from './faults.ts';
import { StatusError } from './status-error.ts';

/** Whether the fault was the whole answer. */
export async function meetFault(exchange: Exchange, fault: Fault): Promise<boolean> {
  const { response, request } = exchange;
  switch (fault.kind) {
    case 'refuse':
      request.socket.destroy();
      return true;
    case 'hang':
      return true;
    case 'default-back-end':
      sendText(exchange, 404, '<html><body>default backend - 404</body></html>');
      return true;
    case 'empty':
      sendText(exchange, 200, '');
      return true;
    case 'garbage':
      sendText(exchange, 200, '<html><body><h1>It works!</h1></body></html>');
      return true;
    case 'slow':
      await new Promise((resolve) => setTimeout(resolve, fault.ms));
      return response.destroyed;
    case 'truncated':
      return false;
    case 'status': {
      const { code, retryAfterSeconds } = fault;
      const [reason, usual] = FAULT_WORDS[code] ?? [
        'InternalError',
        'an error on the server has prevented the request from succeeding',
      ];
      const details = retryAfterSeconds === undefined ? undefined : { retryAfterSeconds };
      throw new StatusError(code, reason, fault.message ?? usual, details);
    }
  }
}

const FAULT_WORDS: Readonly<Record<number, readonly [string, string]>> = {
  401: ['Unauthorized', 'Unauthorized'],
  409: ['Conflict', 'the object has been modified; please apply your changes to the latest version and try again'],
  429: ['TooManyRequests', 'Too many requests, please try again later.'],
  500: ['InternalError', 'etcdserver: leader changed'],
  503: ['ServiceUnavailable', 'apiserver not ready'],
  504: ['Timeout', 'Timeout: request did not complete within the allotted timeout'],
};
