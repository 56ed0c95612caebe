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
      notes('What to do when `kubeadm upgrade diff` would drop a flag of a control plane component.', {
        reason: 'Single sign-on breaks and can be repaired; the upgrade is not unsafe (I18).',
      }),
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
