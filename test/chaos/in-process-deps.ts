import { Agent } from 'node:https';
import { createPrometheusAlerts } from '../../src/alerts/prometheus-alerts.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { createKubeClient } from '../../src/cluster/kube-client.ts';
import { createKubeCluster } from '../../src/cluster/kube-cluster.ts';
import type { Deps } from '../../src/deps.ts';
import { ACCOUNTS } from '../../src/install/install-object.ts';
import { createLog } from '../../src/log.ts';
import { createPushgatewayMetrics } from '../../src/metrics/pushgateway-metrics.ts';
import { createSshNodeShell } from '../../src/node/ssh-node-shell.ts';
import { createSlackNotifier } from '../../src/notify/slack-notifier.ts';
import { configMaps } from '../../src/rehearsal/api/resources.ts';
import { NAMESPACE } from '../../src/rehearsal/deployment-objects.ts';
import type { EmbeddedCluster } from '../../src/rehearsal/embedded-cluster.ts';
import { createPackagesFeed } from '../../src/releases/packages-feed.ts';
import { parseSettings } from '../../src/settings/parse-settings.ts';
import type { Settings } from '../../src/settings/settings.ts';
import { openTemplates } from '../../src/wire/templates.ts';
import { TEMPLATES } from '../rehearsal/program.ts';

export interface InProcessOptions {
  /** Whose account it has, and so whose permissions; default the phases'. */
  readonly role?: 'phase' | 'detector';
  readonly writeLine: (line: string) => void;
  readonly agent?: Agent;
  readonly clock?: Clock;
  /** Over the settings of the cluster. */
  readonly settings?: (settings: Settings) => Settings;
  readonly knownHosts?: string;
  readonly privateKey?: string;
  readonly caPem?: string;
  readonly apiUrl?: string;
  readonly slackUrl?: string;
  readonly token?: string;
  /** As the pod's name in a Job. */
  readonly identity?: string;
  /** How long a node may be away before a command that is followed is given up. */
  readonly lossDeadlineMs?: number;
  /** Of one request to the API server, of one to a service, and for a connection to a node. */
  readonly deadlines?: Partial<Record<'api' | 'ssh' | 'feed' | 'prometheus' | 'pushgateway' | 'slack', number>>;
}

export interface InProcessDeps {
  readonly deps: Deps;
  close(): Promise<void>;
}

const USER_AGENT = 'nightlift (in process)';

/** What `wire` builds in a pod, with the same adapters over the same protocols, in this process. */
export function inProcessDeps(cluster: EmbeddedCluster, options: InProcessOptions): InProcessDeps {
  const { server, slack } = cluster;
  const text = server.store.read(configMaps, 'k8s-upgrade-config', NAMESPACE).data?.['config.yaml'] ?? '';
  const read = parseSettings(text, 'the settings of the embedded cluster');
  const settings = options.settings?.(read) ?? read;
  const { deadlines = {} } = options;
  const clock = options.clock ?? systemClock();
  const log = createLog({ format: 'json', now: () => clock.now(), write: options.writeLine });
  const within = (name: keyof typeof deadlines) =>
    deadlines[name] === undefined ? {} : { deadlineMs: deadlines[name] };
  const { role = 'phase' } = options;
  const agent = options.agent ?? new Agent({ keepAlive: true, ca: options.caPem ?? server.caPem });
  const token = options.token ?? server.access.serviceAccountToken({ namespace: NAMESPACE, name: ACCOUNTS[role] });
  const client = createKubeClient({
    credentials: {
      server: options.apiUrl ?? server.url,
      authorize: () => Promise.resolve({ agent, headers: { authorization: `Bearer ${token}` } }),
    },
    clock,
    userAgent: USER_AGENT,
    patienceMs: settings.waits.apiSeconds * 1000,
    // As in a pod: only phases meet API servers that have just started. Believed before the patience of the fault tests ends.
    doubtMs: role === 'phase' ? 500 : 0,
    ...(deadlines.api === undefined ? {} : { deadlineMs: deadlines.api }),
  });
  const templates = openTemplates(
    { env: {}, path: (file) => `/not/in/a/pod${file}`, templatesDir: TEMPLATES },
    settings,
  );
  const shell = createSshNodeShell({
    access: settings.ssh.access,
    settings: {
      user: settings.ssh.user,
      port: settings.ssh.port,
      privateKey: options.privateKey ?? cluster.nodes.privateKeyPem,
      hostKeys: 'pinned',
      connectTimeoutMs: deadlines.ssh ?? 10_000,
    },
    knownHosts: options.knownHosts ?? cluster.nodes.knownHosts,
    templates: templates.node,
    log,
    clock,
    pollSeconds: settings.waits.pollSeconds,
    lossDeadlineMs: options.lossDeadlineMs ?? settings.waits.readySeconds * 1000,
  });
  const { prometheusUrl, lookbackHours } = settings.alerts;
  const { baseUrl, redirectHosts } = settings.packages;
  return {
    deps: {
      cluster: createKubeCluster({
        client,
        clock,
        namespace: settings.namespace,
        annotationPrefix: settings.annotationPrefix,
      }),
      shell,
      alerts: createPrometheusAlerts({
        url: prometheusUrl,
        userAgent: USER_AGENT,
        lookbackHours,
        ...within('prometheus'),
      }),
      feed: createPackagesFeed({ baseUrl, allowedHosts: redirectHosts, userAgent: USER_AGENT, ...within('feed') }),
      staging: { look: () => Promise.reject(new Error('no night here has a staging')) },
      metrics: createPushgatewayMetrics({
        url: settings.pushgatewayUrl,
        userAgent: USER_AGENT,
        ...within('pushgateway'),
      }),
      notifier: createSlackNotifier({
        webhookUrl: options.slackUrl ?? slack.webhookUrl,
        clock,
        userAgent: USER_AGENT,
        ...within('slack'),
      }),
      clock,
      log,
      templates,
      settings,
      inCluster: true,
      identity: options.identity ?? 'in-process-abcde',
      hasNodeKey: true,
      addonMatrix: () => undefined,
    },
    async close() {
      await shell.close();
      agent.destroy();
    },
  };
}
