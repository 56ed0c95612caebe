import { existsSync, readFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { basename, join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import type { Alerts } from './alerts/alerts.ts';
import { systemClock } from './clock.ts';
import { createKubeClient, WARM_UP_MS } from './cluster/kube-client.ts';
import { createKubeCluster } from './cluster/kube-cluster.ts';
import { inClusterCredentials, type KubeCredentials } from './cluster/kube-credentials.ts';
import type { Deps } from './deps.ts';
import { type Environment, nonEmpty, readSettings } from './environment.ts';
import { NightliftError, reasonOf } from './errors.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { NodeShell } from './node/node-shell.ts';
import type { Notifier } from './notify/notifier.ts';
import type { ReleaseFeed } from './releases/release-feed.ts';
import { parseSettings } from './settings/parse-settings.ts';
import type { Settings } from './settings/settings.ts';
import { openTemplates } from './templates.ts';

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const CONFIG_MAP = 'k8s-upgrade-config';
const CONFIG_KEY = 'config.yaml';
const USER_AGENT = 'nightlift';
/** A person does not want to wait a quarter of an hour for an API server that was never there. */
const PATIENCE_OF_PEOPLE_MS = 10_000;

export interface Wiring {
  readonly environment: Environment;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** For the API server's audit log: the command. */
  readonly command: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly settingsFile?: string;
  /** The chain restarts API servers under it: a Job of the chain, and a person who follows one. */
  readonly meetsNewApiServers?: boolean;
  /** Runs phases, during which the API server goes away: it is waited for as in a Job. */
  readonly runsPhases?: boolean;
}

export interface Wired {
  readonly deps: Deps;
  /** API requests sent so far. */
  requests(): number;
  close(): Promise<void>;
}

/** Builds the adapters. Those that a command may not need are loaded when they are first used. */
export async function wire(wiring: Wiring): Promise<Wired> {
  const { environment, log } = wiring;
  const inCluster =
    nonEmpty(environment.env['KUBERNETES_SERVICE_HOST']) !== undefined && wiring.kubeconfig === undefined;
  const clock = systemClock();
  const fileSettings =
    wiring.settingsFile !== undefined || inCluster || nonEmpty(environment.env['NIGHTLIFT_CONFIG']) !== undefined
      ? readSettings(environment, wiring.settingsFile)
      : undefined;
  const client = createKubeClient({
    credentials: await credentials(wiring, inCluster),
    clock,
    userAgent: `${USER_AGENT} (${wiring.command})`,
    doubtMs: wiring.meetsNewApiServers === true ? WARM_UP_MS : 0,
    onWaiting: (failure, waitedMs) =>
      log.info('waiting for the API server', { missing: failure.message, seconds: Math.round(waitedMs / 1000) }),
    patienceMs:
      inCluster || wiring.runsPhases === true ? (fileSettings?.waits.apiSeconds ?? 900) * 1000 : PATIENCE_OF_PEOPLE_MS,
  });
  const namespace = wiring.namespace ?? fileSettings?.namespace ?? 'k8s-upgrade';
  const clusterFor = (settings: Pick<Settings, 'annotationPrefix'>) =>
    createKubeCluster({ client, clock, namespace, annotationPrefix: settings.annotationPrefix });
  const settings = {
    ...(fileSettings ?? (await settingsFromCluster(clusterFor({ annotationPrefix: 'nightlift' }), namespace, wiring))),
    namespace,
  };
  const templates = openTemplates(environment);
  const shell = lazyShell(wiring, settings, templates);
  const deps: Deps = {
    cluster: clusterFor(settings),
    shell,
    alerts: lazyAlerts(settings),
    feed: lazyFeed(settings),
    metrics: lazyMetrics(settings),
    notifier: lazyNotifier(environment, settings),
    clock,
    log,
    templates,
    settings,
    inCluster,
    identity: inCluster
      ? (nonEmpty(environment.env['HOSTNAME']) ?? hostname())
      : `${hostname()}, process ${process.pid}`,
    addonMatrix: readMatrix(environment, settings),
  };
  return { deps, requests: () => client.requests(), close: () => shell.close() };
}

async function credentials(wiring: Wiring, inCluster: boolean): Promise<KubeCredentials> {
  const { environment } = wiring;
  if (inCluster) {
    return inClusterCredentials({
      host: environment.env['KUBERNETES_SERVICE_HOST'] ?? '',
      port: environment.env['KUBERNETES_SERVICE_PORT'] ?? '443',
      tokenFile: environment.path(`${SERVICE_ACCOUNT}/token`),
      caFile: environment.path(`${SERVICE_ACCOUNT}/ca.crt`),
    });
  }
  const file =
    wiring.kubeconfig ?? nonEmpty(environment.env['KUBECONFIG'])?.split(':')[0] ?? join(homedir(), '.kube', 'config');
  // Loaded when it is asked for: client-node costs a Job, which has no kubeconfig, 80 ms and 30 MB.
  const { kubeconfigCredentials } = await import('./cluster/kubeconfig.ts');
  return kubeconfigCredentials({ file, ...(wiring.context === undefined ? {} : { context: wiring.context }) });
}

/** A person's command uses the settings that the cluster's Jobs use. */
async function settingsFromCluster(cluster: Deps['cluster'], namespace: string, wiring: Wiring): Promise<Settings> {
  const text = (await cluster.configMap(namespace, CONFIG_MAP, wiring.signal))?.[CONFIG_KEY];
  if (text === undefined)
    wiring.log.warn('there is no settings ConfigMap in the cluster: the defaults are used', {
      configMap: `${namespace}/${CONFIG_MAP}`,
    });
  return parseSettings(text ?? '', `ConfigMap ${namespace}/${CONFIG_MAP}, key ${CONFIG_KEY}`);
}

function once<T>(create: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= create());
}

function lazyShell({ environment, log }: Wiring, settings: Settings, templates: Deps['templates']): NodeShell {
  let opened = false;
  const shell = once(async () => {
    opened = true;
    const { createSshNodeShell } = await import('./node/ssh-node-shell.ts');
    const { ssh } = settings;
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

function lazyAlerts(settings: Settings): Alerts {
  const alerts = once(async () => {
    const { createPrometheusAlerts } = await import('./alerts/prometheus-alerts.ts');
    return createPrometheusAlerts({
      url: settings.alerts.prometheusUrl,
      userAgent: USER_AGENT,
      lookbackHours: settings.alerts.lookbackHours,
    });
  });
  return {
    active: async (signal) => await (await alerts()).active(signal),
    deprecatedApis: async (signal) => await (await alerts()).deprecatedApis(signal),
  };
}

function lazyFeed(settings: Settings): ReleaseFeed {
  const feed = once(async () => {
    const { createPackagesFeed } = await import('./releases/packages-feed.ts');
    const { baseUrl, redirectHosts, timeoutSeconds } = settings.packages;
    return createPackagesFeed({
      baseUrl,
      allowedHosts: redirectHosts,
      userAgent: USER_AGENT,
      deadlineMs: timeoutSeconds * 1000,
    });
  });
  return { minor: async (...call) => await (await feed()).minor(...call) };
}

/** Without a Pushgateway metrics go nowhere, and what would be read from it is unknown. */
function lazyMetrics(settings: Settings): Metrics {
  const metrics = once(async () => {
    const { createPushgatewayMetrics } = await import('./metrics/pushgateway-metrics.ts');
    return createPushgatewayMetrics({ url: settings.pushgatewayUrl, userAgent: USER_AGENT });
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

function lazyNotifier(environment: Environment, settings: Settings): Notifier {
  const file = environment.path(settings.slackWebhookFile);
  return {
    async send(message, signal) {
      if (!existsSync(file)) throw new NightliftError('config', `there is no Slack webhook: ${file} does not exist`);
      const { createSlackNotifier } = await import('./notify/slack-notifier.ts');
      await createSlackNotifier({
        webhookUrl: readFileSync(file, 'utf8'),
        clock: systemClock(),
        userAgent: USER_AGENT,
      }).send(message, signal);
    },
  };
}

function readMatrix(environment: Environment, settings: Settings): unknown {
  const { matrixFile } = settings.addons;
  if (matrixFile === '') return undefined;
  const file = environment.path(matrixFile);
  try {
    return parseYaml(readFileSync(file, 'utf8')) as unknown;
  } catch (error) {
    throw new NightliftError('config', `reading the addon matrix ${file}: ${reasonOf(error)}`, {
      remedy: 'Mend the file named in addons.matrixFile, or leave it empty.',
    });
  }
}
