import { z } from 'zod';
import { name, notes, seconds, stringList } from './field.ts';

export const Packages = z.strictObject({
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .refine(
      (url) => !/^[^/]*\/\/[^/]*@/.test(url),
      'it has a user or a password in it; put them into packages.credentialsFile, and on the nodes into /etc/apt/auth.conf.d',
    )
    .default('https://pkgs.k8s.io/core:/stable:')
    .meta(
      notes('Where the package repositories of all minors stand, without the minor: `<baseUrl>/v1.36/deb/`.', {
        reason: 'The community repository; a mirror has the same layout.',
      }),
    ),
  credentialsFile: z
    .string()
    .default('/secrets/k8s-upgrade/mirror_credentials')
    .meta(
      notes(
        'File with `user:password` for `baseUrl`, for detection; a missing file = none. The nodes have their own in `/etc/apt/auth.conf.d`.',
        { reason: 'In an address they would stand in logs, messages and files of the nodes.' },
      ),
    ),
  redirectHosts: stringList(
    ['prod-cdn.packages.k8s.io'],
    'Hosts (with port when it is not the usual one) to which `baseUrl` may redirect.',
    'pkgs.k8s.io only redirects; a redirect to any other host is refused.',
  ),
  keyFingerprints: stringList(
    ['DE15B14486CD377B9E876E1A234654DA9A296436'],
    'OpenPGP fingerprints of which the repository key must have one; an empty list trusts the key on first use.',
    'One key signs all minors of the community repository; a key fetched anew each time proves nothing (D14).',
  ),
  timeoutSeconds: seconds(
    30,
    'Deadline of one request to the package feed.',
    'A feed that hangs must not eat the night.',
  ),
  lockTimeoutSeconds: seconds(
    300,
    'How long apt-get waits on a node for a lock that another program holds.',
    'unattended-upgrades takes the lock at random times.',
  ),
  keyWarnDays: z
    .number()
    .nonnegative()
    .default(30)
    .meta(
      notes('Warn when the repository key expires within this time.', {
        unit: 'days',
        reason: 'Long enough to find out who extends it.',
      }),
    ),
  freeMegabytes: z
    .number()
    .int()
    .nonnegative()
    .default(1024)
    .meta(
      notes('Space that must be free on a node before anything is fetched.', {
        unit: 'MB',
        reason: 'Packages, images, and the copy of etcd that kubeadm makes.',
      }),
    ),
});

export const Ssh = z.strictObject({
  user: name.default('nightlift').meta(
    notes('User on every node, with NOPASSWD sudo; `root` needs no sudo.', {
      reason: 'An account of its own can be removed and audited.',
    }),
  ),
  access: z
    .enum(['shell', 'upgrade-only'])
    .default('shell')
    .meta(
      notes(
        'What the key may do on a node. `shell`: anything, as root. `upgrade-only`: what the node program takes that `nightlift node install` has put there; scripts are then not taken from the cluster.',
        { reason: 'Nothing has to be installed on the nodes first; `upgrade-only` is the safer of the two.' },
      ),
    ),
  port: z
    .number()
    .int()
    .min(1)
    .max(65535)
    .default(22)
    .meta(notes('Port of sshd on every node.', { reason: 'The usual port.' })),
  keyFile: z
    .string()
    .default('/secrets/k8s-upgrade/ssh_key')
    .meta(notes('Private key file.', { reason: 'Where the Secret k8s-upgrade-creds is mounted.' })),
  knownHostsFile: z
    .string()
    .default('/secrets/k8s-upgrade/known_hosts')
    .meta(
      notes('Pinned host keys in the format of known_hosts, by InternalIP.', {
        reason: 'A host key that is not pinned is refused (D15).',
      }),
    ),
  hostKeys: z
    .enum(['pinned', 'accept-new-in-memory'])
    .default('pinned')
    .meta(
      notes(
        '`pinned` refuses unknown host keys; `accept-new-in-memory` trusts each key that it meets first, for one process.',
        { reason: 'Whoever can answer for a node would get the key to run commands as root.' },
      ),
    ),
  connectTimeoutSeconds: seconds(
    20,
    'Deadline for connecting to a node.',
    'A node that does not answer within this is down.',
  ),
});

export const Nodes = z.strictObject({
  stage: z
    .enum(['all', 'in-window'])
    .default('all')
    .meta(
      notes(
        'On which nodes preflight fetches packages and images, before the first change. `in-window`: all control planes, and as many workers as can have their turn in the window at most.',
        {
          reason:
            'A registry, a mirror, a pin or a full disk on the last worker costs nobody an upgraded control plane; with hundreds of nodes a night reaches only some.',
        },
      ),
    ),
  askAtOnce: z
    .number()
    .int()
    .min(1)
    .max(200)
    .default(20)
    .meta(
      notes(
        'How many nodes are asked at a time, and how many workers fetch packages and images at a time; control planes do so one after the other.',
        {
          reason:
            'A mirror and a registry of the usual size serve so many, and hundreds of nodes are asked in seconds.',
        },
      ),
    ),
  exclude: z
    .record(z.string().min(1), z.string())
    .default({})
    .meta(
      notes(
        'Labels of workers that are left out, all of them together; `{}` = none. Windows nodes, virtual kubelets and the kubelets of other distributions are left out without it.',
        {
          reason: 'Every worker is upgraded unless something says that it is not for kubeadm.',
        },
      ),
    ),
});
