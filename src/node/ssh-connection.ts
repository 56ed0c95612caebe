import ssh2, { type Client, type ServerHostKeyAlgorithm } from 'ssh2';
import { NightliftError } from '../errors.ts';
import { hostPort } from '../host-port.ts';
import { fingerprint, type KnownHosts, keyType } from './known-hosts.ts';
import type { CommandResult, NodeAddress } from './node-shell.ts';

export interface SshSettings {
  readonly user: string;
  readonly port: number;
  /** Private key in PEM or OpenSSH form, without passphrase. */
  readonly privateKey: string;
  /** `accept-new-in-memory` takes the key of a host that is not pinned, and holds it to that key as long as the program runs. */
  readonly hostKeys: 'pinned' | 'accept-new-in-memory';
  readonly connectTimeoutMs: number;
}

/** A dead peer is noticed after three unanswered ones; ssh2 sends none by default. */
const KEEPALIVE_MS = 10_000;
/** More output than this of one command is thrown away; the scripts print far less. */
const OUTPUT_LIMIT = 4 * 1024 * 1024;

/**
 * Connects to a node with its pinned host key. What may go away by itself (no route, refused, time-out, connection
 * lost) is a NightliftError of kind `network`; what somebody has to mend (host key, login) is of kind `node`.
 */
export function connectToNode(
  node: NodeAddress,
  settings: SshSettings,
  knownHosts: KnownHosts,
  accepted: Map<string, Buffer>,
): Promise<Client> {
  const where = `${node.name} (${settings.user}@${hostPort(node.internalIp, settings.port)})`;
  const known = knownHosts.keysFor([node.internalIp, node.name], settings.port);
  const { types } = known;
  if (types.length === 0 && settings.hostKeys === 'pinned') {
    const authority = known.hasAuthority
      ? '; an @cert-authority line names it, but host certificates cannot be used here: the key itself has to be pinned'
      : '';
    const skipped = knownHosts.skipped.length === 0 ? '' : `; lines that say nothing: ${knownHosts.skipped.join(', ')}`;
    throw new NightliftError(
      'node',
      `connecting to ${where}: no host key is pinned for this node${authority}${skipped}`,
      {
        remedy: `Add its line to known_hosts (\`ssh-keyscan -t ed25519 -p ${settings.port} ${node.internalIp}\`, compared with \`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\` on the node).`,
      },
    );
  }
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    let refusal: NightliftError | undefined;
    const verify = (key: Buffer): boolean => {
      const shown = fingerprint(key);
      const judgement = known.judge(key);
      if (judgement === 'pinned') return true;
      if (judgement === 'revoked') {
        refusal = new NightliftError('node', `connecting to ${where}: its host key ${shown} is marked @revoked`, {
          remedy: 'Give the node a new host key, and pin that.',
        });
        return false;
      }
      const earlier = accepted.get(node.internalIp);
      if (judgement === 'unknown' && (earlier === undefined || earlier.equals(key))) {
        accepted.set(node.internalIp, key);
        return true;
      }
      const expected = earlier === undefined ? known.pinned(keyType(key)).join(' or ') : fingerprint(earlier);
      refusal = new NightliftError(
        'node',
        `connecting to ${where}: the host key has changed: it shows ${shown}, pinned is ${expected}`,
        {
          remedy:
            'Find out why before going on: something else may answer at that address. When the node was installed anew, compare with `cat /etc/ssh/ssh_host_*_key.pub | ssh-keygen -lf -` on its console, and replace its line in known_hosts of the Secret k8s-upgrade-creds.',
        },
      );
      return false;
    };
    client.once('ready', () => {
      client.removeAllListeners('error');
      // Every user of the connection sees its end by `close`; an error without a listener would end the program.
      client.on('error', () => undefined);
      resolve(client);
    });
    // Not `once`: ssh2 tells a connection that ended before its handshake by a second error, after this one's destroy().
    client.on('error', (error: Error & { level?: string; code?: string }) => {
      client.destroy();
      reject(refusal ?? connectionError(where, settings, error, types));
    });
    client.once('close', () => {
      reject(
        new NightliftError(
          'network',
          `connecting to ${where}: the connection was closed during the handshake`,
          retryLater,
        ),
      );
    });
    // Else each message of a command waits for the acknowledgement of the one before: a quarter of a second in all.
    client.once('connect', () => client.setNoDelay(true));
    client.connect({
      host: node.internalIp,
      port: settings.port,
      username: settings.user,
      privateKey: settings.privateKey,
      readyTimeout: settings.connectTimeoutMs,
      keepaliveInterval: KEEPALIVE_MS,
      keepaliveCountMax: 3,
      hostVerifier: verify,
      // A server with several keys must show the one that is pinned.
      ...(types.length > 0 ? { algorithms: { serverHostKey: algorithmsOf(types) } } : {}),
    });
  });
}

/** Runs a command with `input` on its stdin. Resolves with exit code null when the connection ended first. */
export function execute(client: Client, command: string, input: string, signal: AbortSignal): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const stdout = collector();
    const stderr = collector();
    const settle = (finish: () => void): void => {
      signal.removeEventListener('abort', onAbort);
      client.removeListener('close', onLost);
      finish();
    };
    const result = (exitCode: number | null): CommandResult => ({
      exitCode,
      stdout: stdout.text(),
      stderr: stderr.text(),
    });
    const onLost = (): void => settle(() => resolve(result(null)));
    let closeChannel = (): void => undefined;
    const onAbort = (): void =>
      settle(() => {
        closeChannel();
        reject(signal.reason as Error);
      });
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    client.once('close', onLost);
    client.exec(command, (error, channel) => {
      if (error !== undefined) {
        settle(() =>
          reject(new NightliftError('network', `opening a channel: ${error.message}`, { ...retryLater, cause: error })),
        );
        return;
      }
      closeChannel = () => channel.close();
      let exitCode: number | null = null;
      channel.on('exit', (code: number | null) => {
        exitCode = code ?? null;
      });
      channel.on('data', stdout.add);
      channel.stderr.on('data', stderr.add);
      channel.on('error', () => undefined);
      // Only now are both streams at their end.
      channel.on('close', () => settle(() => resolve(result(exitCode))));
      channel.end(input);
    });
  });
}

const retryLater = { remedy: 'See that the node is up and reachable; starting again is safe.' };

function connectionError(
  where: string,
  settings: SshSettings,
  error: Error & { level?: string; code?: string },
  types: readonly string[],
): NightliftError {
  const doing = `connecting to ${where}`;
  if (error.level === 'client-authentication') {
    return new NightliftError('node', `${doing}: the node refused the login`, {
      remedy: `Put the public half of ssh_key in the Secret k8s-upgrade-creds (ssh-keygen -y -f ssh_key prints it) into ~${settings.user}/.ssh/authorized_keys on the node, or name the right user in ssh.user.`,
      cause: error,
    });
  }
  if (/no matching host key/i.test(error.message)) {
    return new NightliftError('node', `${doing}: the node has no host key of the pinned type ${types.join(', ')}`, {
      remedy: 'Pin a key that the node has: `ssh-keyscan` shows them.',
      cause: error,
    });
  }
  const causes: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'nothing listens there: sshd is down, or the port is wrong',
    EHOSTUNREACH: 'there is no route to it',
    ENETUNREACH: 'there is no route to its network',
    ETIMEDOUT: 'it did not answer',
    ECONNRESET: 'it reset the connection',
  };
  const told =
    error.level === 'client-timeout'
      ? `it did not answer within ${settings.connectTimeoutMs} ms`
      : causes[error.code ?? ''];
  return new NightliftError('network', `${doing}: ${told ?? error.message}`, { ...retryLater, cause: error });
}

function algorithmsOf(types: readonly string[]): ServerHostKeyAlgorithm[] {
  return types.flatMap((type) =>
    type === 'ssh-rsa' ? (['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] as const) : [type as ServerHostKeyAlgorithm],
  );
}

function collector(): { add(chunk: Buffer): void; text(): string } {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    add(chunk) {
      if (size < OUTPUT_LIMIT) chunks.push(chunk);
      size += chunk.length;
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}
