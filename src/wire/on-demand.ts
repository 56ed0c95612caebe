import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Alerts } from '../alerts/alerts.ts';
import { systemClock } from '../clock.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Deps } from '../deps.ts';
import { type Environment } from '../environment.ts';
import { NightliftError, NotFromHere, reasonOf } from '../errors.ts';
import type { FetchText } from '../http/fetch-text.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { NodeShell } from '../node/node-shell.ts';
import type { Notifier } from '../notify/notifier.ts';
import type { ReleaseFeed } from '../releases/release-feed.ts';
import type { Settings } from '../settings/settings.ts';
import type { Staging } from '../staging/staging.ts';
import { USER_AGENT, type Wiring } from './wiring.ts';

function once<T>(create: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= create());
}

/** `fromHere`: what is missing here may be where the cluster's Jobs are. */
export function lazyShell(
  { environment, log }: Wiring,
  settings: Settings,
  templates: Deps['templates'],
  fromHere: boolean,
): NodeShell {
  let opened = false;
  const shell = once(async () => {
    opened = true;
    const { createSshNodeShell } = await import('../node/ssh-node-shell.ts');
    const { ssh } = settings;
    if (fromHere && !existsSync(environment.path(ssh.keyFile)))
      throw new NotFromHere(`the nodes are not asked from here: there is no SSH key (${ssh.keyFile} does not exist)`, {
        remedy: 'Give --ssh-key FILE and --known-hosts FILE; the cluster has them in its Secret k8s-upgrade-creds.',
      });
    return createSshNodeShell({
      settings: {
        user: ssh.user,
        port: ssh.port,
        privateKey: readSecret(environment.path(ssh.keyFile), 'the SSH key', 'ssh.keyFile', settings),
        hostKeys: ssh.hostKeys,
        connectTimeoutMs: ssh.connectTimeoutSeconds * 1000,
      },
      knownHosts:
        ssh.hostKeys === 'pinned'
          ? readSecret(environment.path(ssh.knownHostsFile), 'the pinned host keys', 'ssh.knownHostsFile', settings)
          : '',
      access: settings.ssh.access,
      templates: templates.node,
      log,
      clock: systemClock(),
      pollSeconds: Math.min(settings.waits.pollSeconds, 10),
      lossDeadlineMs: settings.waits.readySeconds * 1000,
    });
  });
  return {
    run: async (...call) => await (await shell()).run(...call),
    runDetached: async (...call) => await (await shell()).runDetached(...call),
    close: async () => {
      if (opened) await (await shell().catch(() => undefined))?.close();
    },
  };
}

export function lazyAlerts(settings: Settings, fetch?: FetchText): Alerts {
  const alerts = once(async () => {
    const { createPrometheusAlerts } = await import('../alerts/prometheus-alerts.ts');
    return createPrometheusAlerts({
      url: settings.alerts.prometheusUrl,
      userAgent: USER_AGENT,
      lookbackHours: settings.alerts.lookbackHours,
      ...(fetch === undefined ? {} : { fetch }),
    });
  });
  return {
    active: async (signal) => await (await alerts()).active(signal),
    deprecatedApis: async (signal) => await (await alerts()).deprecatedApis(signal),
    targetsUp: async (signal) => await (await alerts()).targetsUp(signal),
    apiServers: async (signal) => await (await alerts()).apiServers(signal),
  };
}

/** By the setting promotion.from. */
export function lazyStaging(settings: Settings, cluster: Pick<Cluster, 'configMap'>, fetch?: FetchText): Staging {
  const staging = once(async (): Promise<Staging> => {
    const { promotion, alerts, namespace } = settings;
    const { from, url, labels, days } = promotion;
    const clock = systemClock();
    if (from === 'prometheus') {
      const { createPrometheusStaging } = await import('../staging/prometheus-staging.ts');
      return createPrometheusStaging({
        url: promotion.prometheusUrl === '' ? alerts.prometheusUrl : promotion.prometheusUrl,
        labels,
        days,
        clock,
        userAgent: USER_AGENT,
        ...(fetch === undefined ? {} : { fetch }),
      });
    }
    const { createHistoryStaging, fetchHistory, STAGING } = await import('../staging/history-staging.ts');
    if (from === 'url') return createHistoryStaging({ clock, ...fetchHistory(url, USER_AGENT, fetch) });
    return createHistoryStaging({
      clock,
      source: `ConfigMap ${namespace}/${STAGING.configMap}`,
      read: async (signal) => (await cluster.configMap(namespace, STAGING.configMap, signal))?.[STAGING.key] ?? '',
    });
  });
  return { look: async (signal) => await (await staging()).look(signal) };
}

export function lazyFeed(environment: Environment, settings: Settings, fetch?: FetchText): ReleaseFeed {
  const feed = once(async () => {
    const { createPackagesFeed } = await import('../releases/packages-feed.ts');
    const { baseUrl, credentialsFile, redirectHosts, timeoutSeconds } = settings.packages;
    const file = environment.path(credentialsFile);
    return createPackagesFeed({
      baseUrl,
      ...(existsSync(file)
        ? { credentials: readSecret(file, 'the credentials of the mirror', 'packages.credentialsFile', settings) }
        : {}),
      allowedHosts: redirectHosts,
      ...(fetch === undefined ? {} : { fetch }),
      userAgent: USER_AGENT,
      deadlineMs: timeoutSeconds * 1000,
    });
  });
  return { minor: async (...call) => await (await feed()).minor(...call) };
}

/** Without a Pushgateway metrics go nowhere, and what would be read from it is unknown. */
export function lazyMetrics(settings: Settings, fetch?: FetchText): Metrics {
  const metrics = once(async () => {
    const { createPushgatewayMetrics } = await import('../metrics/pushgateway-metrics.ts');
    return createPushgatewayMetrics({
      url: settings.pushgatewayUrl,
      userAgent: USER_AGENT,
      ...(fetch === undefined ? {} : { fetch }),
    });
  });
  const none = settings.pushgatewayUrl === '';
  return {
    push: async (...call) => void (none || (await (await metrics()).push(...call))),
    clear: async (...call) => void (none || (await (await metrics()).clear(...call))),
    read: async (signal) => {
      if (none) throw new NightliftError('config', 'reading the gauges: pushgatewayUrl is not set');
      return await (await metrics()).read(signal);
    },
  };
}

export function lazyNotifier(environment: Environment, settings: Settings): Notifier {
  const file = environment.path(settings.slackWebhookFile);
  return {
    async send(message, signal) {
      if (!existsSync(file)) throw new NightliftError('config', `there is no Slack webhook: ${file} does not exist`);
      const { createSlackNotifier } = await import('../notify/slack-notifier.ts');
      await createSlackNotifier({
        webhookUrl: readFileSync(file, 'utf8'),
        clock: systemClock(),
        userAgent: USER_AGENT,
      }).send(message, signal);
    },
  };
}

function readSecret(file: string, what: string, setting: string, { namespace }: Pick<Settings, 'namespace'>): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const why = existsSync(file) ? reasonOf(error) : 'there is no such file';
    throw new NightliftError('config', `reading ${what} from ${file}: ${why}`, {
      remedy: `In a Job: put ${basename(file)} into the Secret k8s-upgrade-creds (kubectl -n ${namespace} describe secret k8s-upgrade-creds shows what is in it). Elsewhere: give an existing file in ${setting}.`,
    });
  }
}
