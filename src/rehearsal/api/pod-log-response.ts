import type { ServerResponse } from 'node:http';
import type { Pod } from './kinds.ts';
import type { LogQuery, PodLogs } from './pod-logs.ts';
import { pods } from './resources.ts';
import { badRequest } from './status-error.ts';
import type { Store } from './store.ts';

interface PodLogRequest {
  readonly name: string;
  readonly namespace: string;
  readonly query: URLSearchParams;
}

/** The log of a container, followed to its end when asked. Returns what stops following. */
export function servePodLog(
  store: Store,
  podLogs: PodLogs,
  request: PodLogRequest,
  response: ServerResponse,
): () => void {
  const pod = store.read(pods, request.name, request.namespace);
  const { uid } = pod.metadata;
  const container = logContainer(pod, request.query.get('container'));
  if (!podLogs.has(uid, container)) refuseBeforeStart(pod, container);
  const query = logQuery(request.query);
  response.writeHead(200, { 'content-type': 'text/plain' });
  const follows = request.query.get('follow') === 'true';
  response.write(podLogs.read(uid, container, { ...query, wholeLines: follows }));
  if (!follows) {
    response.end();
    return () => undefined;
  }
  response.flushHeaders();
  const stop = podLogs.follow(uid, container, query, (text) => {
    if (text === undefined) response.end();
    else response.write(text);
  });
  response.on('close', stop);
  return () => {
    stop();
    response.end();
  };
}

function logQuery(query: URLSearchParams): LogQuery {
  const tail = query.get('tailLines');
  const sinceTime = query.get('sinceTime');
  return {
    ...(tail === null ? {} : { tailLines: Number(tail) }),
    ...(sinceTime === null ? {} : { sinceTime }),
    timestamps: query.get('timestamps') === 'true',
  };
}

function refuseBeforeStart(pod: Pod, container: string): void {
  const state = pod.status.containerStatuses?.find(({ name }) => name === container)?.state;
  if (state?.running !== undefined || state?.terminated !== undefined) return;
  const { name } = pod.metadata;
  if (pod.spec.nodeName === undefined) throw badRequest(`pod ${name} does not have a host assigned`);
  throw badRequest(`container "${container}" in pod "${name}" is waiting to start: ContainerCreating`);
}

function logContainer(pod: Pod, wanted: string | null): string {
  const names = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ name }) => name);
  const { name } = pod.metadata;
  if (wanted !== null && wanted !== '') {
    if (!names.includes(wanted)) throw badRequest(`container ${wanted} is not valid for pod ${name}`);
    return wanted;
  }
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${names.join(' ')}]`);
}
