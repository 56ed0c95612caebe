import { nodeCheck } from './surveyed.ts';

/** What a node was made with is what its upgrade is given: kubeadm does not remember patches. */
export const kubeadmPatches = nodeCheck('kubeadm-patches', [
  {
    reason: 'PatchesNotUsed',
    severity: 'warn',
    said: ({ options }) =>
      options.kubeadm.patchesDirectory === ''
        ? 'kubeadm patches that the upgrade does not use, since kubeadm.patchesDirectory is empty: manifests and kubelet settings are written without them'
        : `kubeadm patches that are not in kubeadm.patchesDirectory (${options.kubeadm.patchesDirectory}), which the upgrade does not use`,
    remedy:
      "Set kubeadm.patchesDirectory of Nightlift's settings to their directory, the same on all nodes; delete patches that nobody wants.",
    problems({ survey }, { options }) {
      const directory = options.kubeadm.patchesDirectory.replace(/\/+$/, '');
      return survey.patches.filter((file) => directory === '' || !file.startsWith(`${directory}/`));
    },
  },
]);
