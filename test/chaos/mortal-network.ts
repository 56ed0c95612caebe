import { AsyncLocalStorage } from 'node:async_hooks';
import type { ClientRequest } from 'node:http';
import { Agent } from 'node:https';
import { createSecureContext, type SecureContext } from 'node:tls';
import { type Dispatcher, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import type { Life } from './life.ts';

/** The process whose code runs now: undici has one dispatcher for all of them. */
export const currentLife = new AsyncLocalStorage<Life>();

/** Hundreds of processes trust the same authority, each with many connections: what reads it is made once. */
const contexts = new Map<string, SecureContext>();

function trusting(ca: string): SecureContext {
  const context = contexts.get(ca) ?? createSecureContext({ ca });
  contexts.set(ca, context);
  return context;
}

type AddRequest = (request: ClientRequest, options: object) => void;

/** An agent whose process may be killed before a request is sent, and after it was answered. */
export function mortalAgent(life: Life, ca: string): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 16, secureContext: trusting(ca) });
  const add = (Reflect.get(agent, 'addRequest') as AddRequest).bind(agent);
  const addMortal: AddRequest = (request, options) => {
    const what = `${request.method} ${plainPath(request.path)}`;
    // A request that was never sent stays open, for its process is no more.
    if (life.meet(what, 'before')) return;
    const emit = request.emit.bind(request);
    request.emit = (event: string, ...rest: unknown[]) => {
      if (event === 'response' && life.meet(what, 'after')) {
        request.destroy();
        return true;
      }
      return life.isDead() ? true : emit(event, ...rest);
    };
    add(request, options);
  };
  Reflect.set(agent, 'addRequest', addMortal);
  return agent;
}

/** Names with random ends would make every night's points new ones. */
function plainPath(path: string): string {
  return (path.split('?')[0] ?? '').replace(/\/pods\/[^/]+/, '/pods/*').replace(/^\/apis?\//, '');
}

/** From now on the requests of fetchText belong to the process that sends them. Returns what takes it back. */
export function makeHttpMortal(): () => void {
  const before = getGlobalDispatcher();
  setGlobalDispatcher(
    before.compose((dispatch) => (options, handler) => {
      const life = currentLife.getStore();
      if (life === undefined) return dispatch(options, handler);
      const what = `${options.method} ${plainUrl(options)}`;
      if (life.meet(what, 'before')) return true;
      return dispatch(options, mortalHandler(handler, life, what));
    }),
  );
  return () => setGlobalDispatcher(before);
}

function mortalHandler(handler: Dispatcher.DispatchHandler, life: Life, what: string): Dispatcher.DispatchHandler {
  const alive = (act: () => void): void => {
    if (!life.isDead()) act();
  };
  return {
    onRequestStart: (controller, context) => alive(() => handler.onRequestStart?.(controller, context)),
    onRequestUpgrade: (...rest) => alive(() => handler.onRequestUpgrade?.(...rest)),
    onResponseStart: (...rest) => {
      if (!life.isDead() && !life.meet(what, 'after')) handler.onResponseStart?.(...rest);
    },
    onResponseData: (...rest) => alive(() => handler.onResponseData?.(...rest)),
    onResponseEnd: (...rest) => alive(() => handler.onResponseEnd?.(...rest)),
    onResponseError: (...rest) => alive(() => handler.onResponseError?.(...rest)),
  };
}

/** Ports differ from night to night. */
function plainUrl({ path }: Dispatcher.DispatchOptions): string {
  const plain = path.split('?')[0] ?? '';
  const query = /query=([a-z_]+)/.exec(decodeURIComponent(path))?.[1];
  return `http ${plain}${query === undefined ? '' : ` ${query}`}`;
}
