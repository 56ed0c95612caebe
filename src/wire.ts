import { hostname } from 'node:os';
import { systemClock } from './clock.ts';
import { createKubeClient, WARM_UP_MS } from './cluster/kube-client.ts';
import { createKubeCluster } from './cluster/kube-cluster.ts';
import type { Deps } from './deps.ts';
import { nonEmpty, readSettings } from './environment.ts';
import type { Settings } from './settings/settings.ts';
import { readMatrix } from './wire/addon-matrix-file.ts';
import { credentialsOf } from './wire/credentials.ts';
import { lazyAlerts, lazyFeed, lazyMetrics, lazyNotifier, lazyShell } from './wire/on-demand.ts';
import { settingsFromCluster } from './wire/settings-from-cluster.ts';
import { openTemplates } from './wire/templates.ts';
import { USER_AGENT, type Wiring } from './wire/wiring.ts';

/** A person does not want to wait a quarter of an hour for an API server that was never there. */
const PATIENCE_OF_PEOPLE_MS = 10_000;

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
    credentials: await credentialsOf(wiring, inCluster),
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
