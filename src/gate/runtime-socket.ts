import { nodeCheck, type SurveyedNode } from './surveyed.ts';

/** `unix:///var/run/x.sock` and `/run/x.sock` are one: /var/run is a link. */
const pathOf = (socket: string): string => socket.replace(/^unix:\/\//, '').replace(/^\/var\/run\//, '/run/');

const hasSeveral = ({ survey }: SurveyedNode): boolean =>
  survey.runtime.socket === '' && new Set(survey.runtime.sockets.map(pathOf)).size > 1;

const REMEDY =
  'Write the one that the kubelet uses into /var/lib/kubelet/config.yaml (containerRuntimeEndpoint: unix:///run/containerd/containerd.sock), or stop and disable the other runtime.';

/** kubeadm and the kubelet mean the same container runtime. */
export const runtimeSocket = nodeCheck('runtime-socket', [
  {
    reason: 'SeveralRuntimes',
    severity: 'block',
    said: 'several container runtimes, and the kubelet names none; kubeadm refuses to choose (found multiple CRI endpoints)',
    remedy: REMEDY,
    // On a control plane kubeadm pulls images by what the kubelet says; on a worker it goes by the annotation.
    problems: (surveyed) =>
      hasSeveral(surveyed) && (surveyed.node.role === 'control-plane' || surveyed.node.criSocket === null)
        ? [surveyed.survey.runtime.sockets.join(', ')]
        : [],
  },
  {
    reason: 'RuntimesDiffer',
    severity: 'block',
    said: "the annotation kubeadm.alpha.kubernetes.io/cri-socket names another container runtime than the kubelet uses; kubeadm would write it into the kubelet's settings",
    remedy:
      'When the kubelet is right: kubectl annotate node NAME --overwrite kubeadm.alpha.kubernetes.io/cri-socket=SOCKET, with the socket of the kubelet.',
    problems({ node, survey }) {
      const { socket } = survey.runtime;
      return node.criSocket === null || socket === '' || pathOf(node.criSocket) === pathOf(socket)
        ? []
        : [`annotation ${node.criSocket}, kubelet ${socket}`];
    },
  },
]);
