import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemClock } from './clock.ts';
import { createKubeClient, WARM_UP_MS } from './cluster/kube-client.ts';
import { createKubeCluster } from './cluster/kube-cluster.ts';
import type { Deps } from './deps.ts';
import { isAtWorkInPod, nonEmpty, settingsFolder, settingsText } from './environment.ts';
import { reasonOf } from './errors.ts';
import { type Limits, limitsOf } from './settings/limits.ts';
import type { Settings } from './settings/settings.ts';
import { readMatrix } from './wire/addon-matrix-file.ts';
import { credentialsOf } from './wire/credentials.ts';
import { fetchFromOutside } from './wire/from-outside.ts';
import { lazyAlerts, lazyFeed, lazyMetrics, lazyNotifier, lazyShell, lazyStaging } from './wire/on-demand.ts';
import { type ClusterSettings, settingsFromCluster } from './wire/settings-from-cluster.ts';
import { takeSettings } from './wire/take-settings.ts';
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

/** A matrix that is lost is refused by whoever asks the gate; everybody else does without. */
function limitsToTell(settings: Settings, addonMatrix: Deps['addonMatrix']): Limits {
  try {
    return limitsOf(settings, addonMatrix());
  } catch (error) {
    return { ...limitsOf(settings, undefined), 'addons.matrixFile': `lost: ${reasonOf(error)}` };
  }
}

/** Builds the adapters. Those that a command may not need are loaded when they are first used. */
export async function wire(wiring: Wiring): Promise<Wired> {
  const { environment, log } = wiring;
  const inCluster = isAtWorkInPod(environment, wiring.kubeconfig);
  const clock = systemClock();
  const fileSettings =
    wiring.settingsFile !== undefined || inCluster || nonEmpty(environment.env['NIGHTLIFT_CONFIG']) !== undefined
      ? await takeSettings(wiring, async () => settingsText(environment, wiring.settingsFile))
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
  const clusterFor = (annotationPrefix: string, excludedNodes: Settings['nodes']['exclude'] = {}) =>
    createKubeCluster({
      client,
      clock,
      namespace,
      annotationPrefix,
      excludedNodes,
    });
  let inConfigMap: ClusterSettings | undefined;
  const ofCluster = async () => (inConfigMap = await settingsFromCluster(clusterFor('nightlift'), namespace, wiring));
  const settings = withOwnKeys({ ...(fileSettings ?? (await takeSettings(wiring, ofCluster))), namespace }, wiring);
  const files = inConfigMap?.files;
  const beside = files === undefined ? { folder: settingsFolder(environment, wiring.settingsFile) } : { files };
  const addonMatrix = (): unknown => readMatrix(environment, settings, beside);
  log.info('limits', limitsToTell(settings, addonMatrix));
  const templates = openTemplates(environment, settings);
  const shell = lazyShell(wiring, settings, templates, !inCluster && wiring.sshKey === undefined);
  const fetch = inCluster ? undefined : fetchFromOutside(client);
  const cluster = clusterFor(settings.annotationPrefix, settings.nodes.exclude);
  const deps: Deps = {
    cluster,
    shell,
    alerts: lazyAlerts(settings, fetch),
    staging: lazyStaging(settings, cluster, fetch),
    feed: lazyFeed(environment, settings, fetch),
    metrics: lazyMetrics(settings, fetch),
    notifier: lazyNotifier(environment, settings),
    clock,
    log,
    templates,
    settings,
    inCluster,
    identity: inCluster
      ? (nonEmpty(environment.env['HOSTNAME']) ?? hostname())
      : `${hostname()}, process ${process.pid}`,
    hasNodeKey: existsSync(environment.path(settings.ssh.keyFile)),
    addonMatrix,
  };
  return { deps, requests: () => client.requests(), close: () => shell.close() };
}

/** Where a person has the key and the host keys that the cluster's Jobs have in their Secret. */
function withOwnKeys(settings: Settings, { sshKey, knownHosts }: Pick<Wiring, 'sshKey' | 'knownHosts'>): Settings {
  const { ssh } = settings;
  return {
    ...settings,
    ssh: { ...ssh, keyFile: sshKey ?? ssh.keyFile, knownHostsFile: knownHosts ?? ssh.knownHostsFile },
  };
}
