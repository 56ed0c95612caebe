import { nodeCheck } from './surveyed.ts';

const REMEDY =
  'Move it out of the folder, on the node: mkdir -p /root/manifests && mv /etc/kubernetes/manifests/FILE /root/manifests/';

/** The folder of the static pods has one manifest for each pod: the kubelet reads every file whose name does not begin with a dot. */
export const staticPods = nodeCheck('static-pods', [
  {
    reason: 'StaticPodTwice',
    severity: 'block',
    said: 'several files are a manifest of one static pod; which of them the kubelet runs is chance',
    // Seen on real nodes: the kubelet ends the one and starts it from the other, and again when the file is moved away.
    remedy: `${REMEDY}. The pod is started anew by that, so that etcd or the API server is away for a minute.`,
    problems({ survey }) {
      const byPod = Map.groupBy(survey.staticPods, ({ pod }) => pod);
      return [...byPod].flatMap(([pod, files]) =>
        pod === null || files.length === 1 ? [] : [`${pod}: ${files.map(({ file }) => file).join(', ')}`],
      );
    },
  },
  {
    reason: 'NoManifest',
    severity: 'warn',
    said: 'files in /etc/kubernetes/manifests that are no manifest of a pod; the kubelet reports them as errors',
    remedy: REMEDY,
    problems: ({ survey }) => survey.staticPods.filter(({ pod }) => pod === null).map(({ file }) => file),
  },
]);
