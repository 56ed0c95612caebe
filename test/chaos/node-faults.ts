import type { FaultScene } from './fault-scene.ts';
import type { TcpFault } from './faulty-tcp.ts';
import { type Injection, NOTHING_TO_END, SHORT_MS } from './injection.ts';

/** SSH that does not come about, or breaks off. */
export function sshFault(scene: FaultScene, words: string, isMoment: boolean): Injection {
  const { nodes: all } = scene.cluster;
  switch (words) {
    case 'refused':
      // Nothing listens on this port of the nodes.
      return {
        options: {
          settings: (settings) => ({ ...settings, ssh: { ...settings.ssh, port: 1 } }),
          knownHosts: all.knownHosts.replaceAll(/:\d+ /g, ':1 '),
        },
        hits: () => 1,
        end: NOTHING_TO_END,
      };
    case 'foreign host key': {
      const foreign = all.knownHosts
        .split('\n')
        .toReversed()
        .map((line) => line.split(' ').slice(1).join(' '));
      const names = all.knownHosts
        .split('\n')
        .map((line) => line.split(' ')[0] ?? '')
        .filter((name) => name !== '');
      const keys = foreign.filter((key) => key !== '');
      const knownHosts = names
        .map((name, index) => `${name.replace(/:\d+$/, `:${scene.ssh.port}`)} ${keys[index] ?? ''}`)
        .join('\n');
      // Of three nodes the middle one keeps its own key; the first and the last have each other's.
      return { options: { knownHosts }, hits: () => 1, end: NOTHING_TO_END };
    }
    case 'no host key pinned':
      return { options: { knownHosts: '' }, hits: () => 1, end: NOTHING_TO_END };
    case 'login refused':
      return {
        options: { settings: (settings) => ({ ...settings, ssh: { ...settings.ssh, user: 'nobody' } }) },
        hits: () => 1,
        end: NOTHING_TO_END,
      };
    case 'sudo wants a password':
      for (const node of all.nodes) node.setSudoNeedsPassword(true);
      return {
        options: {},
        hits: () => 1,
        end: () => {
          for (const node of all.nodes) node.setSudoNeedsPassword(false);
          return Promise.resolve();
        },
      };
    default:
      scene.ssh.set(words as TcpFault, isMoment ? 1 : undefined);
      return {
        options: words === 'hangs' ? { deadlines: { ssh: SHORT_MS } } : {},
        hits: scene.ssh.hits,
        end: NOTHING_TO_END,
      };
  }
}

const APT_CERTIFICATE =
  'E: Failed to fetch https://packages.invalid/InRelease  Certificate verification failed: The certificate is NOT trusted. The certificate chain uses expired certificate.\n';

/** Programs of a node that cannot reach what they need, in their own words. */
export function commandFault(scene: FaultScene, dependency: 'apt' | 'registry', words: string): Injection {
  const { commands, nodes } = scene.cluster.nodes;
  const before = commands.records.length;
  const match = dependency === 'apt' ? /^apt-get .*(update|install)/ : /^kubeadm config images pull/;
  const hits = (): number =>
    commands.records
      .slice(before)
      .filter(({ argv }) => (words.includes('madison') ? /madison/ : match).test(argv.join(' '))).length;
  const rule = (stderr: string, more: { stdout?: string; waitMs?: number; exitCode?: number } = {}): Injection => {
    commands.fail({ match, exitCode: dependency === 'apt' ? 100 : 1, stderr, ...more });
    return { options: {}, hits, end: NOTHING_TO_END };
  };
  const pull = (why: string): string =>
    `failed to pull image "registry.k8s.io/kube-apiserver:v1.36.4": rpc error: code = Unknown desc = failed to pull and unpack image: ${why}\n`;
  if (dependency === 'registry') {
    switch (words) {
      case 'refused':
        return rule(pull('dial tcp 203.0.113.7:443: connect: connection refused'));
      case 'hangs':
        return rule(pull('context deadline exceeded'), { waitMs: SHORT_MS });
      case '500':
        return rule(pull('unexpected status from HEAD request: 500 Internal Server Error'));
      case '429':
        return rule(pull('unexpected status from HEAD request: 429 Too Many Requests'));
      case 'empty':
      case 'garbage':
        return rule(pull("failed to decode manifest: invalid character '<' looking for beginning of value"));
      case 'truncated':
        return rule(pull('short read: expected 31457280 bytes but got 1048576: unexpected EOF'));
      case 'slow':
        commands.fail({ match, waitMs: SHORT_MS });
        return { options: {}, hits, end: NOTHING_TO_END };
      case 'redirect ring':
        return rule(pull('Get "https://registry.invalid/v2/": stopped after 10 redirects'));
      case 'expired certificate':
        return rule(pull('tls: failed to verify certificate: x509: certificate has expired or is not yet valid'));
      default:
        for (const { knobs } of nodes) knobs.missingImages.add('registry.k8s.io/kube-scheduler:v1.36.4');
        return { options: {}, hits, end: NOTHING_TO_END };
    }
  }
  switch (words) {
    case 'refused':
      return rule(
        'E: Failed to fetch https://packages.invalid/InRelease  Could not connect to packages.invalid:443 (203.0.113.7). - connect (111: Connection refused)\n',
      );
    case 'hangs':
      return rule('E: Failed to fetch https://packages.invalid/InRelease  Connection timed out\n', {
        waitMs: SHORT_MS,
      });
    case '500':
      return rule('E: Failed to fetch https://packages.invalid/InRelease  500  Internal Server Error\n');
    case '429':
      return rule('E: Failed to fetch https://packages.invalid/InRelease  429  Too Many Requests\n');
    case 'slow':
      commands.fail({ match, waitMs: SHORT_MS });
      return { options: {}, hits, end: NOTHING_TO_END };
    case 'expired certificate':
      return rule(APT_CERTIFICATE);
    case 'lock held':
      for (const { knobs } of nodes) knobs.aptLockUntil = Date.now() + 3_600_000;
      return {
        options: {
          settings: (settings) => ({ ...settings, packages: { ...settings.packages, lockTimeoutSeconds: 0 } }),
        },
        hits,
        end: NOTHING_TO_END,
      };
    case 'broken signature':
      for (const { knobs } of nodes) knobs.brokenSignature = true;
      return { options: {}, hits, end: NOTHING_TO_END };
    case 'disk full':
      for (const { knobs } of nodes) knobs.freeBytes = 1e6;
      return { options: {}, hits: () => 1, end: NOTHING_TO_END };
    case 'empty madison':
      commands.fail({ match: /^apt-cache .*madison/, exitCode: 0 });
      return { options: {}, hits, end: NOTHING_TO_END };
    case 'garbage madison':
      commands.fail({ match: /^apt-cache .*madison/, exitCode: 0, stdout: '<html>Sign in</html>\n' });
      return { options: {}, hits, end: NOTHING_TO_END };
    case 'truncated madison':
      commands.fail({ match: /^apt-cache .*madison/, exitCode: 0, stdout: '   kubeadm | 1.36.4-1' });
      return { options: {}, hits, end: NOTHING_TO_END };
    default:
      throw new Error(`no such fault of ${dependency}: ${words}`);
  }
}
