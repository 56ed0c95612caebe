import ssh2, { type Client } from 'ssh2';
import type { Clock } from '../clock.ts';
import { NightliftError } from '../errors.ts';
import type { Log } from '../log.ts';
import { followDetached } from './detached.ts';
import { parseKnownHosts } from './known-hosts.ts';
import { NODE_PROGRAM, nodeRequest } from './node-program.ts';
import type { CommandResult, NodeAddress, NodeShell } from './node-shell.ts';
import type { NodeScript, ScriptTemplates } from './scripts.ts';
import { connectToNode, execute, type SshSettings } from './ssh-connection.ts';
import { KILL_AFTER_SECONDS, timeLimitOf } from './time-limits.ts';

/** What the key may do on a node: anything, by a shell of root's, or what the node program there takes. */
export type Access = 'shell' | 'upgrade-only';

export interface SshNodeShellOptions {
  readonly settings: SshSettings;
  /** Default `shell`. */
  readonly access?: Access;
  /** In OpenSSH's format. */
  readonly knownHosts: string;
  readonly templates: ScriptTemplates;
  readonly log: Log;
  readonly clock: Clock;
  /** How long one look at a detached command waits on the node for something new. */
  readonly pollSeconds?: number;
  /** How long a node may be away before a detached command that is followed is given up. */
  readonly lossDeadlineMs?: number;
  /** By the name of a script. */
  readonly timeLimitSeconds?: (script: string) => number;
  /** How much longer than the node this side waits for an answer. */
  readonly marginSeconds?: number;
  /** How many connections are kept open, beside those that are in use; default 64. */
  readonly maxOpen?: number;
}

/**
 * NodeShell over SSH: one connection per node, opened when it is first needed and anew after a loss.
 * @throws NightliftError (config) for a key or a known_hosts file that cannot be read.
 */
export function createSshNodeShell(options: SshNodeShellOptions): NodeShell {
  const {
    settings,
    access = 'shell',
    timeLimitSeconds = timeLimitOf,
    marginSeconds = MARGIN_SECONDS,
    maxOpen = 64,
  } = options;
  const key = ssh2.utils.parseKey(settings.privateKey);
  if (key instanceof Error) {
    throw new NightliftError('config', `reading the SSH private key: ${key.message}`, {
      remedy: 'Give an OpenSSH or PEM key without passphrase (ssh-keygen -t ed25519 -N "").',
    });
  }
  const knownHosts = parseKnownHosts(options.knownHosts);
  if (knownHosts.skipped.length > 0)
    options.log.warn('lines of known_hosts say nothing and are skipped', { lines: knownHosts.skipped.join('; ') });
  const accepted = new Map<string, Buffer>();
  /** In the order in which they were used last. */
  const connections = new Map<string, Promise<Client>>();
  /** How many commands are under way, by address. */
  const busy = new Map<string, number>();

  const connection = (node: NodeAddress): Promise<Client> => {
    const open = connections.get(node.internalIp);
    if (open !== undefined) {
      connections.delete(node.internalIp);
      connections.set(node.internalIp, open);
      return open;
    }
    leaveIdle();
    const opening: Promise<Client> = (async () => {
      const client = await connectToNode(node, settings, knownHosts, accepted);
      client.once('close', () => forget(node.internalIp, opening));
      return client;
    })();
    connections.set(node.internalIp, opening);
    opening.catch(() => forget(node.internalIp, opening));
    return opening;
  };
  /** Unless another one has taken its place. */
  const forget = (address: string, opening: Promise<Client>): void => {
    if (connections.get(address) === opening) connections.delete(address);
  };
  /** Each node of a large cluster is asked once and then not for hours: what was not used for longest makes room. */
  const leaveIdle = (): void => {
    if (connections.size < maxOpen) return;
    const idle = [...connections].find(([address]) => !busy.has(address));
    if (idle === undefined) return;
    const [address, opening] = idle;
    connections.delete(address);
    void opening.then((client) => client.end()).catch(() => undefined);
  };
  const occupied = async <T>({ internalIp }: NodeAddress, work: () => Promise<T>): Promise<T> => {
    busy.set(internalIp, (busy.get(internalIp) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = (busy.get(internalIp) ?? 1) - 1;
      if (left === 0) busy.delete(internalIp);
      else busy.set(internalIp, left);
    }
  };
  const requestOf = (script: NodeScript, seconds: number): { program: string; input: string } =>
    access === 'upgrade-only'
      ? { program: NODE_PROGRAM, input: nodeRequest(options.templates, script, seconds) }
      : { program: '/bin/bash -s', input: `${begin}${limited(wholeOrNothing(script.text), seconds)}` };
  const run = async (node: NodeAddress, script: NodeScript, signal: AbortSignal): Promise<CommandResult> => {
    signal.throwIfAborted();
    const seconds = timeLimitSeconds(script.name);
    const { program, input } = requestOf(script, seconds);
    const command = settings.user === 'root' ? program : `sudo -n -- ${program}`;
    const said = await occupied(node, async () => {
      const client = await connection(node);
      return await within(node, script, seconds + marginSeconds, signal, (either) =>
        execute(client, command, input, either),
      );
    });
    const result = { ...said, stdout: fromBegin(said.stdout), stderr: fromBegin(said.stderr) };
    if (settings.user !== 'root') refuseWithoutSudo(node, settings.user, access, result);
    return result;
  };
  return {
    run,
    runDetached: (node, command, { signal, onLine }) =>
      followDetached({
        node,
        command,
        onLine,
        signal,
        run: (script) => run(node, script, signal),
        templates: options.templates,
        log: options.log,
        clock: options.clock,
        pollSeconds: options.pollSeconds ?? 10,
        lossDeadlineMs: options.lossDeadlineMs ?? 600_000,
      }),
    async close() {
      const open = [...connections.values()];
      connections.clear();
      for (const opening of open) {
        const client = await opening.catch(() => undefined);
        client?.end();
      }
    },
  };
}

/**
 * A login shell may print a greeting before it runs what is asked, without a line end too. What is ours stands behind this
 * line, which the node program prints as well; without it nothing of ours has begun, and all is kept.
 */
const BEGIN = '\nnightlift-begin\n';
const begin = `printf '\\nnightlift-begin\\n'\nprintf '\\nnightlift-begin\\n' >&2\n`;

function fromBegin(text: string): string {
  const at = text.indexOf(BEGIN);
  return at < 0 ? text : text.slice(at + BEGIN.length);
}

/**
 * bash reads a compound command to its end before it runs any of it, so that a script whose second half never arrived
 * does nothing; and no command in it can read the rest of the script from stdin.
 */
function wholeOrNothing(text: string): string {
  return `{\n${text}\n} </dev/null\n`;
}

/**
 * The shell that reads this becomes `timeout`, whose own shell reads what follows from the same stdin. When the time is
 * over the whole process group is ended, also after the connection, which by itself ends nothing on the node.
 */
function limited(input: string, seconds: number): string {
  return `exec timeout --kill-after=${KILL_AFTER_SECONDS} ${seconds} /bin/bash -s\n${input}`;
}

/** For the kill, and the way to the node and back: the node itself says first that the time is over. */
const MARGIN_SECONDS = KILL_AFTER_SECONDS + 20;

/** This side's own limit, for a node that does not keep to its. */
async function within<T>(
  node: NodeAddress,
  { name }: NodeScript,
  seconds: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const late = new NightliftError('network', `running ${name}.sh on ${node.name}: no answer within ${seconds} s`, {
    remedy: 'See what keeps the node from answering: its load, its disks, network file systems that are away.',
  });
  const timer = setTimeout(() => over.abort(late), seconds * 1000);
  try {
    return await work(AbortSignal.any([signal, over.signal]));
  } finally {
    clearTimeout(timer);
  }
}

function refuseWithoutSudo(node: NodeAddress, user: string, access: Access, result: CommandResult): void {
  if (result.exitCode === 0 || result.exitCode === null) return;
  const refused = /^sudo: .*(password is required|terminal is required|no tty|you must have a tty)/m.test(
    result.stderr,
  );
  const forbidden = /is not in the sudoers file|is not allowed to (execute|run)/.test(result.stderr);
  const missing = result.exitCode === 127 && /sudo: (command )?not found/.test(result.stderr);
  const notInstalled = result.stderr.includes(`sudo: ${NODE_PROGRAM}: command not found`);
  if (!refused && !forbidden && !missing && !notInstalled) return;
  const program = access === 'upgrade-only' ? `${NODE_PROGRAM} ""` : '/bin/bash';
  throw new NightliftError('node', `becoming root on ${node.name}: ${result.stderr.trim().split('\n').at(-1) ?? ''}`, {
    remedy: missing
      ? 'Install sudo on the node, or let Nightlift log in as root.'
      : notInstalled
        ? 'Review and run on the node, as root, what this prints: nightlift node install'
        : `Allow it without a password: "${user} ALL=(root) NOPASSWD: ${program}" in /etc/sudoers.d/nightlift on the node.`,
  });
}
