import type { ActionStep } from '../../chain/phase.ts';
import { someOf } from '../../some-of.ts';
import { brokenBefore, counts } from './broken-before.ts';

const SYSTEM_NAMESPACE = 'kube-system';

/** Control-plane pods and addons of kube-system; finished Jobs' pods do not count. */
export const systemPods: ActionStep = {
  name: 'system-pods',
  summary: 'the pods of kube-system run',
  async run(context) {
    const { deps, signal } = context;
    const before = await brokenBefore(context);
    await context.waiter.until(
      'the pods of kube-system',
      async () => {
        const { state: down } = await deps.cluster.readiness(
          { namespace: SYSTEM_NAMESPACE },
          (): string[] => [],
          (names, pod) => {
            if (counts(pod) && !pod.ready && !before.has(pod)) names.push(pod.name);
          },
          signal,
        );
        return down.length === 0
          ? { done: true, value: undefined }
          : { done: false, missing: `not ready: ${someOf(down)}` };
      },
      { seconds: deps.settings.waits.readySeconds, remedy: 'kubectl -n kube-system get pods' },
    );
  },
};

/** The ratio is a gate, not only a figure (D23). No pods at all is a result, not an error (I02). */
export const podReadyRatio: ActionStep = {
  name: 'pod-ready-ratio',
  summary: 'enough pods are ready',
  async run(context) {
    const { deps, signal } = context;
    const least = deps.settings.postflight.podReadyRatio;
    const before = await brokenBefore(context);
    await context.waiter.until(
      'enough pods to be ready',
      async () => {
        const looked = await deps.cluster.readiness(
          {},
          () => ({ ready: 0, down: 0 }),
          (seen, pod) => {
            if (!counts(pod) || (!pod.ready && before.has(pod))) return;
            if (pod.ready) seen.ready += 1;
            else seen.down += 1;
          },
          signal,
        );
        const ready = looked.ready + looked.state.ready;
        const all = ready + looked.state.down;
        const ratio = all === 0 ? 1 : ready / all;
        if (ratio >= least) return { done: true, value: undefined };
        return {
          done: false,
          missing: `${ready} of ${all} pods are ready, ${ratio.toFixed(2)} instead of ${least}`,
        };
      },
      {
        seconds: deps.settings.waits.readySeconds,
        remedy:
          'kubectl get pods -A --field-selector=status.phase!=Succeeded; postflight.podReadyRatio sets the limit.',
      },
    );
  },
};

/** What a node runs for everybody must be back before the next node goes. */
export const daemonSets: ActionStep = {
  name: 'daemon-sets',
  summary: "the node's DaemonSet pods are back",
  async run(context) {
    const { deps, signal } = context;
    const { name } = await context.node();
    const before = await brokenBefore(context);
    await context.waiter.until(
      `the DaemonSet pods of ${name}`,
      async () => {
        const pods = (await deps.cluster.pods({ node: name }, signal)).filter(
          (pod) => pod.owner?.kind === 'DaemonSet' && counts(pod),
        );
        const down = pods.filter((pod) => !pod.ready && !before.has(pod));
        return down.length === 0
          ? { done: true, value: undefined }
          : { done: false, missing: `not ready: ${someOf(down.map((pod) => `${pod.namespace}/${pod.name}`))}` };
      },
      {
        seconds: deps.settings.waits.readySeconds,
        remedy: `kubectl get pods -A --field-selector spec.nodeName=${name}`,
      },
    );
  },
};
