import type { Lab } from '../lab/lab-state.ts';
import { mustRun } from '../lab/run-command.ts';
import { type KeyKind, signingKey } from '../lab/signing-key.ts';
import { quiesced } from './workload.ts';

/** Of one night, by section of the settings. */
export type SettingChanges = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The settings that the lab needs, as an operator would write them; waits are short, since nobody sleeps meanwhile. */
export async function labSettings(lab: Lab, changes: SettingChanges = {}): Promise<Record<string, unknown>> {
  const settings: Record<string, unknown> = {
    packages: {
      baseUrl: `${lab.repository.fromNodes}/core:/stable:`,
      redirectHosts: [new URL(lab.repository.mirror).host],
      keyFingerprints: [await fingerprintOf('good')],
    },
    ssh: { user: lab.ssh.user, port: lab.ssh.port },
    alerts: { prometheusUrl: lab.services.prometheus },
    pushgatewayUrl: lab.services.pushgateway,
    // Nodes that are containers on cgroup v1 do not pass kubeadm's look at the system.
    kubeadm: { ignorePreflightErrors: ['CoreDNSMigration', 'CoreDNSUnsupportedPlugins', 'SystemVerification'] },
    quiesce: lab.spec.workers > 1 ? quiesced : [],
    snapshot: { cronJob: 'backup-etcd', namespace: 'default', minimumBytes: 100_000 },
    // A worker's kubelet was seen to take a minute to find the API server again, and starts no pod until then: no drain may end for that.
    waits: { pollSeconds: 2, settleSeconds: 5, soakSeconds: 10, drainSeconds: 240, alertSeconds: 60, lockSeconds: 20 },
  };
  for (const [section, values] of Object.entries(changes))
    settings[section] = { ...asRecord(settings[section]), ...values };
  return settings;
}

function asRecord(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}

export async function fingerprintOf(kind: KeyKind): Promise<string> {
  const { home, armored } = await signingKey(kind);
  const shown = await mustRun('gpg', ['--homedir', home, '--with-colons', '--show-keys', armored]);
  const found = /^fpr:+([0-9A-F]{40}):/m.exec(shown)?.[1];
  if (found === undefined) throw new Error(`reading the fingerprint of ${armored}: gpg shows none`);
  return found;
}
