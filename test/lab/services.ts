import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { reasonOf } from '../../src/errors.ts';
import { hostPort } from '../../src/host-port.ts';
import { cached, keyOf } from './cached.ts';
import { startDaemon, stopDaemon } from './daemon.ts';
import { fetchDebs } from './debian-packages.ts';
import { cacheDir, scriptPath } from './lab-paths.ts';
import { network } from './lab-spec.ts';
import { type Lab, servicePorts } from './lab-state.ts';
import { mustRun } from './run-command.ts';

const serviceNames = ['prometheus', 'pushgateway', 'alertmanager', 'slack'] as const;
const debianPackages = ['prometheus', 'prometheus-pushgateway', 'prometheus-alertmanager'];

const kubeconfigFile = z.object({
  clusters: z.array(z.object({ cluster: z.object({ 'certificate-authority-data': z.string() }) })).min(1),
  users: z
    .array(z.object({ user: z.object({ 'client-certificate-data': z.string(), 'client-key-data': z.string() }) }))
    .min(1),
});

const queryAnswer = z.object({
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
});

/** Debian's packages unpacked beside the lab, not installed: their init scripts must not start on this machine. */
async function servicePrograms(): Promise<string> {
  const debs = await fetchDebs('bookworm', debianPackages);
  const target = path.join(cacheDir(), `services-${keyOf(debs.map((deb) => path.basename(deb)))}`);
  await cached(target, async (into) => {
    for (const deb of debs) await mustRun('dpkg-deb', ['-x', deb, into]);
  });
  return path.join(target, 'usr');
}

/** Prometheus reads the API servers as the cluster's admin does: with the client certificate of its kubeconfig. */
async function writeCredentials(lab: Lab, dir: string): Promise<void> {
  const config = kubeconfigFile.parse(parse(await readFile(lab.kubeconfig, 'utf8')));
  const user = config.users[0]?.user;
  const files = {
    'ca.crt': config.clusters[0]?.cluster['certificate-authority-data'] ?? '',
    'client.crt': user?.['client-certificate-data'] ?? '',
    'client.key': user?.['client-key-data'] ?? '',
  };
  for (const [name, data] of Object.entries(files)) {
    await writeFile(path.join(dir, name), Buffer.from(data, 'base64'), { mode: 0o600 });
  }
}

function apiServers({ nodes }: Lab): readonly string[] {
  return nodes.filter((node) => node.role === 'control-plane').map((node) => hostPort(node.ip, 6443));
}

function prometheusConfig(lab: Lab, dir: string): string {
  const { gateway } = network(lab.spec);
  return stringify({
    global: { scrape_interval: '5s', evaluation_interval: '5s' },
    rule_files: [path.join(dir, 'rules', '*')],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [hostPort(gateway, servicePorts.alertmanager)] }] }] },
    scrape_configs: [
      {
        job_name: 'apiserver',
        scheme: 'https',
        tls_config: {
          ca_file: path.join(dir, 'ca.crt'),
          cert_file: path.join(dir, 'client.crt'),
          key_file: path.join(dir, 'client.key'),
        },
        static_configs: [{ targets: apiServers(lab) }],
      },
      {
        job_name: 'pushgateway',
        honor_labels: true,
        static_configs: [{ targets: [hostPort(gateway, servicePorts.pushgateway)] }],
      },
    ],
  });
}

/** Debian's Alertmanager has the path of its templates built in: it sees the unpacked ones there, and nobody else does. */
const withOwnShare = 'mount -t overlay overlay -o "lowerdir=$0:/usr/share" /usr/share && exec "$@"';

const alertmanagerConfig = stringify({ route: { receiver: 'nobody' }, receivers: [{ name: 'nobody' }] });

export async function servicesUp(lab: Lab, rules: string[], log: (line: string) => void): Promise<void> {
  const usr = await servicePrograms();
  const bin = path.join(usr, 'bin');
  const { gateway } = network(lab.spec);
  const dir = path.join(lab.dir, 'services');
  await mkdir(path.join(dir, 'rules'), { recursive: true });
  for (const old of await readdir(path.join(dir, 'rules'))) await rm(path.join(dir, 'rules', old));
  for (const file of rules) await copyFile(file, path.join(dir, 'rules', path.basename(file)));
  await writeCredentials(lab, dir);
  const prometheusFile = path.join(dir, 'prometheus.yml');
  await writeFile(prometheusFile, prometheusConfig(lab, dir));
  await writeFile(path.join(dir, 'alertmanager.yml'), alertmanagerConfig);
  const at = (name: keyof typeof servicePorts): string => hostPort(gateway, servicePorts[name]);
  const start = (name: string, program: string, args: string[]): Promise<void> =>
    startDaemon(lab.dir, name, program, args);
  await start('slack', process.execPath, [
    scriptPath('slack-sink.ts'),
    gateway,
    String(servicePorts.slack),
    lab.services.slackFile,
  ]);
  await start('pushgateway', path.join(bin, 'prometheus-pushgateway'), [`--web.listen-address=${at('pushgateway')}`]);
  await start('alertmanager', 'unshare', [
    '--mount',
    'sh',
    '-c',
    withOwnShare,
    path.join(usr, 'share'),
    path.join(bin, 'prometheus-alertmanager'),
    `--config.file=${path.join(dir, 'alertmanager.yml')}`,
    `--storage.path=${path.join(dir, 'alertmanager')}`,
    `--web.listen-address=${at('alertmanager')}`,
    '--cluster.listen-address=',
  ]);
  await start('prometheus', path.join(bin, 'prometheus'), [
    `--config.file=${prometheusFile}`,
    `--storage.tsdb.path=${path.join(dir, 'prometheus')}`,
    `--web.listen-address=${at('prometheus')}`,
    '--web.enable-lifecycle',
    '--web.enable-admin-api',
  ]);
  await waitForHttp(`${lab.services.prometheus}/-/ready`);
  await waitForHttp(`${lab.services.pushgateway}/-/ready`);
  await waitForHttp(`${lab.services.alertmanager}/-/ready`);
  if (rules.length > 0) await fetch(`${lab.services.prometheus}/-/reload`, { method: 'POST' });
  await waitForMetrics(lab);
  log('Prometheus, Pushgateway, Alertmanager and the Slack sink answer');
}

function waitForHttp(url: string): Promise<void> {
  return waitFor(url, () => true);
}

/** A gate that asks before Prometheus has read every API server once refuses, as it should. */
function waitForMetrics(lab: Lab): Promise<void> {
  const query = encodeURIComponent('count(up{job="apiserver"} == 1)');
  return waitFor(`${lab.services.prometheus}/api/v1/query?query=${query}`, (text) => {
    const count = queryAnswer.parse(JSON.parse(text)).data.result[0]?.value[1];
    return count === String(apiServers(lab).length);
  });
}

async function waitFor(url: string, isGood: (text: string) => boolean): Promise<void> {
  let last = '';
  for (let tries = 0; tries < 150; tries++) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
      const text = await answer.text();
      if (answer.ok && isGood(text)) return;
      last = `${answer.status} ${text}`;
    } catch (error) {
      last = reasonOf(error);
    }
    await sleep(200);
  }
  throw new Error(
    `waiting for ${url}: 30 s passed; the last answer: ${last.slice(0, 300)}; see the lab's logs directory`,
  );
}

export async function servicesDown(lab: Lab): Promise<void> {
  for (const name of serviceNames) await stopDaemon(lab.dir, name);
}
