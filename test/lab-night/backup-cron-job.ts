import { toolsImage } from './product-image.ts';

const script = `set -euo pipefail
file=/backup/etcd-$(date -u +%Y%m%dT%H%M%SZ).db
pki=/etc/kubernetes/pki/etcd
etcdctl --endpoints=https://127.0.0.1:2379 --cacert=$pki/ca.crt --cert=$pki/server.crt --key=$pki/server.key snapshot save "$file"
etcdutl snapshot status "$file"
echo "Backup done: $file ($(stat -c %s "$file") bytes)"
`;

/** As most clusters have it: a CronJob that really takes a snapshot, on a control plane. */
export const backupCronJob = {
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name: 'backup-etcd', namespace: 'default' },
  spec: {
    schedule: '0 3 * * *',
    jobTemplate: {
      spec: {
        backoffLimit: 2,
        template: {
          spec: {
            restartPolicy: 'Never',
            hostNetwork: true,
            nodeSelector: { 'node-role.kubernetes.io/control-plane': '' },
            tolerations: [{ operator: 'Exists', effect: 'NoSchedule' }],
            containers: [
              {
                name: 'backup',
                image: toolsImage,
                command: ['bash', '-c', script],
                volumeMounts: [
                  { name: 'pki', mountPath: '/etc/kubernetes/pki/etcd', readOnly: true },
                  { name: 'backup', mountPath: '/backup' },
                ],
              },
            ],
            volumes: [
              { name: 'pki', hostPath: { path: '/etc/kubernetes/pki/etcd' } },
              { name: 'backup', hostPath: { path: '/var/lib/etcd-backup', type: 'DirectoryOrCreate' } },
            ],
          },
        },
      },
    },
  },
};
