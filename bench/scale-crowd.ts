import { timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import { generateSshKey } from '../src/rehearsal/nodes/ssh-key.ts';
import { recordedHealth } from '../test/fixtures/recorded/etcd-health.ts';

export interface CrowdOptions {
  readonly nodes: readonly { readonly name: string; readonly address: string }[];
  readonly port: number;
  /** In OpenSSH's one-line form. */
  readonly authorizedKey: string;
  readonly repoBase: string;
}

export interface Crowd {
  /** A line for each node. */
  readonly knownHosts: string;
  /** How many connections were made, and how many commands were answered. */
  counts(): { readonly connections: number; readonly commands: number };
  close(): void;
}

/** Of a node that takes its packages from `repoBase`, and that the target does not refuse for its cgroups. */
const recorded = (file: string, repoBase: string): string =>
  readFileSync(join(import.meta.dirname, '../test/fixtures/recorded/survey', file), 'utf8')
    .replaceAll('http://192.0.2.1:8080/core:/stable:', repoBase)
    .replace(/^survey\.cgroup\tv1$/m, 'survey.cgroup\tv2');
const BEGIN = '\nnightlift-begin\n';

/**
 * Thousands of nodes that are real SSH servers and say what real nodes were recorded to say, without a shell: what the
 * program needs for them is what is measured, and no machine has room for so many shells.
 */
export async function startCrowd({ nodes, port, authorizedKey, repoBase }: CrowdOptions): Promise<Crowd> {
  const hostKey = generateSshKey();
  const parsed = ssh2.utils.parseKey(authorizedKey);
  if (parsed instanceof Error) throw parsed;
  const wanted = parsed.getPublicSSH();
  const counted = { connections: 0, commands: 0 };
  const surveys = { worker: recorded('worker.tsv', repoBase), controlPlane: recorded('control-plane.tsv', repoBase) };
  const controlPlanes = nodes.filter(({ name }) => name.startsWith('cp')).map(({ name }) => name);

  const answerTo = (name: string, input: string): string => {
    if (input.includes('survey.begin'))
      return (controlPlanes.includes(name) ? surveys.controlPlane : surveys.worker).replace(
        /^survey\.begin\t1\t\d+$/m,
        `survey.begin\t1\t${Math.floor(Date.now() / 1000)}`,
      );
    if (input.includes('SCRIPT_BASE64=')) return 'nightlift-unit\tstarted\t\n';
    if (input.includes('WAIT_SECONDS=')) return 'nightlift-unit\tfinished\tsuccess exited 0\n';
    if (input.includes('nightlift-unit')) return 'nightlift-unit\tcleaned\t\n';
    if (input.includes('nightlift-etcd'))
      return `${recordedHealth('3.7.0', 'well').stdout}${controlPlanes.map((one) => `nightlift-api-server\t${one}\t200\n`).join('')}`;
    // Nothing to prune, nothing to say.
    return '';
  };
  const execute = (name: string, channel: ServerChannel): void => {
    let input = '';
    channel.setEncoding('utf8');
    channel.on('data', (chunk: string) => (input += chunk));
    channel.on('error', () => undefined);
    channel.on('end', () => {
      counted.commands += 1;
      channel.write(`${BEGIN}${answerTo(name, input)}`);
      channel.exit(0);
      channel.end();
    });
  };
  const accept = (name: string, connection: Connection): void => {
    counted.connections += 1;
    connection.on('error', () => undefined);
    connection.on('authentication', (context) => {
      const isOurs =
        context.method === 'publickey' &&
        context.key.data.length === wanted.length &&
        timingSafeEqual(context.key.data, wanted);
      if (isOurs) context.accept();
      else context.reject(['publickey']);
    });
    connection.on('session', (acceptSession) => {
      acceptSession().on('exec', (acceptExec) => execute(name, acceptExec()));
    });
  };

  const servers: InstanceType<typeof ssh2.Server>[] = [];
  for (const { name, address } of nodes) {
    const server = new ssh2.Server({ hostKeys: [hostKey.private] }, (connection) => accept(name, connection));
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen(port, address, done);
    });
    servers.push(server);
  }
  return {
    knownHosts: nodes.map(({ address }) => `[${address}]:${port} ${hostKey.public}\n`).join(''),
    counts: () => ({ ...counted }),
    close: () => {
      for (const server of servers) server.close();
    },
  };
}
