import { spawn } from 'node:child_process';
import { timingSafeEqual } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import type { Machine } from './machine.ts';
import { nodeEnvironment } from './node-environment.ts';

export interface NodeSshServer {
  listen(): Promise<void>;
  /** Refuses new connections and ends the open ones; what runs on the node goes on. */
  stopListening(): Promise<void>;
  dropConnections(): void;
  connections(): Connections;
  /** Ends every process that a connection has started. */
  killProcesses(): void;
}

/** Those that were ever made, and those that are open. */
export interface Connections {
  readonly made: number;
  readonly open: number;
}

export interface SshServerOptions {
  readonly machine: Machine;
  readonly port: number;
  readonly user: string;
  readonly hostKey: string;
  /** Public key in OpenSSH's one-line form. */
  readonly authorizedKey: string;
  readonly onExec: () => void;
  /** As `command=` in authorized_keys: what runs instead of what is asked; undefined: what is asked. */
  readonly forced: () => string | undefined;
}

/** As OpenSSH's server; the types of ssh2 do not know it. */
interface WithNoDelay {
  setNoDelay(on: boolean): void;
}

/** With the process groups that it has made: `timeout` gives what it runs one of its own. */
function killSession(leader: number): void {
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      // pid (name) state ppid pgrp session …; the name may have anything in it.
      const [, , , session] = readFileSync(`/proc/${entry}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
      if (Number(session) === leader) process.kill(Number(entry), 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}

/** sshd of a node: real SSH, and real bash in the node's environment. */
export function createNodeSshServer(options: SshServerOptions): NodeSshServer {
  const { machine } = options;
  const parsed = ssh2.utils.parseKey(options.authorizedKey);
  if (parsed instanceof Error) throw parsed;
  const connections = new Set<Connection>();
  const processes = new Set<number>();
  let made = 0;

  const accept = (connection: Connection & WithNoDelay): void => {
    connections.add(connection);
    made += 1;
    connection.setNoDelay(true);
    connection.on('close', () => connections.delete(connection));
    connection.on('error', () => connections.delete(connection));
    connection.on('authentication', (context) => {
      if (context.method !== 'publickey') return context.reject(['publickey']);
      const given = context.key.data;
      const wanted = parsed.getPublicSSH();
      const same = given.length === wanted.length && timingSafeEqual(given, wanted);
      const signed =
        context.signature === undefined ||
        (context.blob !== undefined && parsed.verify(context.blob, context.signature, context.hashAlgo) === true);
      if (context.username === options.user && same && signed) context.accept();
      else context.reject(['publickey']);
    });
    connection.on('session', (acceptSession) => {
      acceptSession().on('exec', (acceptExec, _reject, info) => {
        options.onExec();
        execute(acceptExec(), options.forced() ?? info.command);
      });
    });
  };
  const execute = (channel: ServerChannel, command: string): void => {
    channel.write(machine.knobs.greeting);
    channel.stderr.write(machine.knobs.greeting);
    const child = spawn('/bin/bash', ['-c', command], {
      cwd: machine.path('/root'),
      env: nodeEnvironment(machine),
      detached: true,
    });
    const { pid } = child;
    if (pid !== undefined) processes.add(pid);
    child.stdout.pipe(channel, { end: false });
    child.stderr.pipe(channel.stderr, { end: false });
    channel.pipe(child.stdin);
    // Without a terminal a lost connection sends no signal; the command notices when it writes.
    child.stdin.on('error', () => undefined);
    channel.on('error', () => undefined);
    channel.on('close', () => {
      child.stdout.destroy();
      child.stderr.destroy();
      child.stdin.destroy();
    });
    child.on('close', (code, signal) => {
      if (pid !== undefined) processes.delete(pid);
      if (channel.destroyed) return;
      if (signal === null) channel.exit(code ?? 255);
      else channel.exit(signal.replace(/^SIG/, ''), false);
      channel.end();
    });
  };

  let server: InstanceType<typeof ssh2.Server> | undefined;
  const dropConnections = (): void => {
    for (const connection of connections) connection.end();
    connections.clear();
  };
  return {
    connections: () => ({ made, open: connections.size }),
    listen() {
      const listening = new ssh2.Server({ hostKeys: [options.hostKey] }, (connection) =>
        accept(connection as Connection & WithNoDelay),
      );
      server = listening;
      return new Promise((resolve, reject) => {
        listening.once('error', reject);
        listening.listen(options.port, machine.internalIp, resolve);
      });
    },
    async stopListening() {
      const open = server;
      server = undefined;
      dropConnections();
      if (open !== undefined) await new Promise<void>((resolve) => open.close(() => resolve()));
    },
    dropConnections,
    killProcesses() {
      for (const pid of processes) killSession(pid);
      processes.clear();
    },
  };
}
