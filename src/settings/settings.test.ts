import { describe, expect, it } from 'vitest';
import { Settings } from './settings.ts';

const defaults = Settings.parse({});

describe('the default settings', () => {
  it('I09 leave CoreDNS alone: neither its checks stop kubeadm nor does its addon phase run', () => {
    expect(defaults.kubeadm.ignorePreflightErrors).toEqual(['CoreDNSMigration', 'CoreDNSUnsupportedPlugins']);
    expect(defaults.kubeadm.skipPhases).toEqual(['addon/coredns']);
  });

  it('D05 leave the first release of a minor alone', () => {
    expect(defaults.target.firstPatchOfMinor).toBe(1);
  });

  it('D01 halt without Prometheus', () => {
    expect(defaults.alerts.required).toBe(true);
  });

  it('D15 D14 trust neither an unknown host key nor an unknown repository key', () => {
    expect(defaults.ssh.hostKeys).toBe('pinned');
    expect(defaults.packages.keyFingerprints).toHaveLength(1);
  });

  it.each(['https://ci:pw@mirror/x', 'https://token@mirror/x'])(
    'take no password in the address of the packages: %s',
    (baseUrl) => {
      expect(Settings.safeParse({ packages: { baseUrl } }).error?.issues[0]?.message).toMatch(
        /packages.credentialsFile.*auth.conf.d/,
      );
      expect(Settings.safeParse({ packages: { baseUrl: 'https://mirror/a@b' } }).success).toBe(true);
    },
  );

  it('name the files of the Secret under the one folder where it is mounted', () => {
    for (const file of [defaults.ssh.keyFile, defaults.ssh.knownHostsFile, defaults.slackWebhookFile])
      expect(file).toMatch(/^\/secrets\/k8s-upgrade\/\w+$/);
  });

  it('give a Job more time than its longest step may take', () => {
    const { waits, kubeadm, job } = defaults;
    const longest =
      waits.apiSeconds +
      waits.alertSeconds +
      waits.drainSeconds +
      kubeadm.timeoutSeconds +
      waits.readySeconds +
      waits.soakSeconds;
    expect(job.deadlineSeconds).toBeGreaterThan(longest);
  });
});
