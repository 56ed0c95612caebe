import { minorNumber, minorOf } from '../version.ts';
import type { Check } from './check.ts';
import { unknownFinding } from './unknown-finding.ts';

const NAME = 'kubeadm-api';

/** The newest minor whose kubeadm still reads it (kubernetes CHANGELOG-1.37, #136016); tried with kubeadm 1.35.8, 1.36.4 and 1.37.1. */
const READ_UNTIL: ReadonlyMap<string, number> = new Map([
  ['kubeadm.k8s.io/v1beta3', 36],
  ['kubeadm.k8s.io/v1beta4', Number.POSITIVE_INFINITY],
]);

/** kubeadm of the target can read the cluster's configuration. An upgrade with 1.31 or later has written it as v1beta4; people and their tools write it too. */
export const kubeadmApi: Check = {
  name: NAME,
  reads: ['kubeadmApi'],
  evaluate({ kubeadmApi: api }, { target }) {
    // Facts that an older version has written do not have it.
    if (api === undefined) return [];
    const where = 'the version of kubeadm.k8s.io in ConfigMap kube-system/kubeadm-config';
    const look = 'kubectl -n kube-system get configmap kubeadm-config -o yaml';
    if (!api.known) return [unknownFinding(NAME, where, api.why, look)];
    const until = READ_UNTIL.get(api.value);
    if (until === undefined) {
      const known = [...READ_UNTIL.keys()].join(' and ');
      return [unknownFinding(NAME, where, `"${api.value}" is not ${known}`, look)];
    }
    if (minorNumber(target) <= until) return [];
    return [
      {
        check: NAME,
        reason: 'KubeadmApiRemoved',
        class: 'actionable',
        severity: 'block',
        message: `ConfigMap kube-system/kubeadm-config is written in ${api.value}, which kubeadm ${minorOf(target)} does not read`,
        remedy: `On a control plane, with the kubeadm that is there: kubectl -n kube-system get configmap kubeadm-config -o jsonpath='{.data.ClusterConfiguration}' >old.yaml && kubeadm config migrate --old-config old.yaml --new-config new.yaml && kubeadm init phase upload-config kubeadm --config new.yaml`,
      },
    ];
  },
};
