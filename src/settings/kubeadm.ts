import { z } from 'zod';
import { notes, seconds, stringList } from './field.ts';

export const Kubeadm = z.strictObject({
  ignorePreflightErrors: stringList(
    ['CoreDNSMigration', 'CoreDNSUnsupportedPlugins'],
    'Checks given to `--ignore-preflight-errors`.',
    'CoreDNS is left alone, so its checks say nothing (I09).',
  ),
  skipPhases: stringList(
    ['addon/coredns'],
    'Phases given to `--skip-phases`.',
    'kubeadm would overwrite a custom Corefile and downgrade the image (I09).',
  ),
  patchesDirectory: z
    .string()
    .refine((path) => path === '' || path.startsWith('/'), 'give an absolute path on the nodes')
    .default('')
    .meta(
      notes(
        'Directory on the nodes with the patches that they were made with, given to `--patches` of apply and node where it is there; empty = none.',
        {
          reason:
            'kubeadm does not remember patches: without it the next upgrade writes manifests and kubelet settings without them.',
        },
      ),
    ),
  timeoutSeconds: seconds(
    4500,
    'Hard limit of the node script, kubeadm included.',
    'kubeadm itself may take up to an hour; it must not be killed between two manifests.',
  ),
  droppedFlags: z
    .enum(['warn', 'block'])
    .default('warn')
    .meta(
      notes(
        'What to do when `kubeadm upgrade diff` shows more than other images in the manifests of a control plane: flags, values, environment, resources, volumes, containers. `block` also ends the run when such a thing has changed after an upgrade that was to stay.',
        { reason: 'Single sign-on breaks and can be repaired; the upgrade is not unsafe (I18).' },
      ),
    ),
  expectedChanges: z
    .array(
      z
        .string()
        .regex(
          /^(kube-apiserver|kube-controller-manager|kube-scheduler|etcd) \S(.*\S)?$/,
          'give a component and what changes in its manifest, as the message calls it, for example "kube-apiserver --anonymous-auth"',
        ),
    )
    .default([])
    .meta(
      notes(
        'Changes in control plane manifests that are known and wanted: neither said nor blocked, whatever the value. Each exactly as the message calls it, without the values; one that matches nothing is no error.',
        { reason: 'Nobody but the operator knows what was put into a manifest on purpose.' },
      ),
    ),
  backupDays: z
    .number()
    .positive()
    .default(3)
    .meta(
      notes('Backups in /etc/kubernetes/tmp older than this are removed before a run.', {
        unit: 'days',
        reason: 'kubeadm copies etcd there at every upgrade and never cleans up (I17).',
      }),
    ),
});
