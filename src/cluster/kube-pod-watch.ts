import { z } from 'zod';
import type { PodFact, PodWatch } from './cluster.ts';
import type { KubeClient } from './kube-client.ts';
import { answerError, Status } from './kube-error.ts';
import { Pod, podFact } from './kube-pod.ts';
import type { KubeRequest } from './kube-request.ts';
import { parseObject } from './parse-object.ts';

/** The server ends a watch after this time, and the next look lists: what a silent connection hides is never older. */
const WATCH_SECONDS = 60;
/** For the connection, and for a server that does not end it. */
const GRACE_SECONDS = 15;

const Event = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED']), object: Pod }),
  z.object({ type: z.literal('ERROR'), object: Status }),
]);

/**
 * One list and one watch from its resourceVersion. A watch that ends, is refused or says what cannot be read is only
 * given up: then the pods are listed at each look, as if there were none.
 */
export function watchPods(client: KubeClient, node: string, signal: AbortSignal): PodWatch {
  const request: KubeRequest = {
    doing: `watching the pods on ${node}`,
    path: '/api/v1/pods',
    query: { fieldSelector: `spec.nodeName=${node}` },
  };
  const closed = new AbortController();
  const either = AbortSignal.any([signal, closed.signal]);
  /** By uid; undefined while no watch keeps them up to date. */
  let followed: Map<string, PodFact> | undefined;
  let change = Promise.withResolvers<void>();

  function see(line: string, pods: Map<string, PodFact>): void {
    const event = parseObject(request.doing, client.server, line, Event);
    if (event.type === 'ERROR') {
      const { object } = event;
      throw answerError(request, client.server, { status: object.code ?? 0, body: JSON.stringify(object) });
    }
    const pod = podFact(event.object);
    if (event.type === 'DELETED') pods.delete(pod.uid);
    else pods.set(pod.uid, pod);
    change.resolve();
  }

  async function follow(pods: Map<string, PodFact>, resourceVersion: string): Promise<void> {
    const query = { ...request.query, watch: 'true', resourceVersion, timeoutSeconds: String(WATCH_SECONDS) };
    try {
      for await (const line of client.lines({ ...request, query }, WATCH_SECONDS + GRACE_SECONDS, either))
        see(line, pods);
    } catch {
      // No outcome hangs on a watch: what follows is a list at each look. That we may watch is asked before the first change.
    } finally {
      if (followed === pods) followed = undefined;
    }
  }

  return {
    async pods() {
      change = Promise.withResolvers();
      if (followed === undefined) {
        const { items, resourceVersion } = await client.listAt(
          { ...request, doing: `listing the pods on ${node}` },
          Pod,
          either,
        );
        followed = new Map(items.map(podFact).map((pod) => [pod.uid, pod]));
        void follow(followed, resourceVersion);
      }
      return [...followed.values()];
    },
    changed: () => change.promise,
    close: () => closed.abort(),
  };
}
