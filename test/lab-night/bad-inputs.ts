import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostPort } from '../../src/host-port.ts';
import { indexKubernetes, repositoryOf } from '../lab/apt-repository.ts';
import { minorOf, network } from '../lab/lab-spec.ts';
import type { Lab } from '../lab/lab-state.ts';
import { mustOnNode } from '../lab/nodes.ts';
import { mustRun } from '../lab/run-command.ts';
import { type KeyKind, signingKey } from '../lab/signing-key.ts';
import { applyObjects, kubectl } from './kubectl.ts';
import { nodeNamed } from './node-commands.ts';
import { runningVersion } from './provide-scene.ts';
import { inNewDirectory } from './temporary-directory.ts';

export interface BadInput {
  readonly name: string;
  /** Resolves with the way back. */
  spoil(lab: Lab): Promise<() => Promise<unknown>>;
  /** What the nightly look says, which then starts nothing. Absent: it is not concerned, and starts the chain. */
  readonly look?: RegExp;
  /** How preflight's Job fails, in its log and in Slack. */
  readonly preflight: RegExp;
  /** What the operator is told to do. */
  readonly remedy: RegExp;
  /** How the Job of the look ends; a decision is complete. */
  readonly lookEnds?: 'failed';
  /** Who says it where the Job cannot say it in Slack by itself: the morning's report, or only the log. */
  readonly toldBy?: 'report' | 'log';
}

const noKey = /reading the SSH key from \S+\/ssh_key: there is no such file/;
const intoSecret = /put ssh_key into the Secret k8s-upgrade-creds/;

/** All on the control plane, which is the first node to be asked and the first to be changed. */
export const badInputs: readonly BadInput[] = [
  {
    name: 'no Secret',
    spoil: (lab) => secret(lab, () => undefined),
    look: noKey,
    preflight: noKey,
    remedy: intoSecret,
    // The webhook is in the Secret too.
    toldBy: 'log',
  },
  {
    name: 'no SSH key in the Secret',
    spoil: (lab) => secret(lab, ({ known_hosts, slack_webhook }) => ({ known_hosts, slack_webhook })),
    look: noKey,
    preflight: noKey,
    remedy: intoSecret,
  },
  {
    name: 'an SSH key with a passphrase',
    spoil: (lab) => otherKey(lab, 'secret'),
    look: /reading the SSH private key: .*no passphrase/,
    preflight: /reading the SSH private key: .*no passphrase/,
    remedy: /key without passphrase/,
  },
  {
    name: 'an SSH key that the nodes do not know',
    spoil: (lab) => otherKey(lab, ''),
    look: /connecting to cp1 \S+: the node refused the login/,
    preflight: /connecting to cp1 \S+: the node refused the login/,
    remedy: /into ~nightlift\/\.ssh\/authorized_keys on the node/,
  },
  {
    name: 'another host key than the pinned one',
    spoil: (lab) =>
      onControlPlane(lab, newHostKey, 'mv /root/ssh_host_ed25519_key* /etc/ssh/ && systemctl restart ssh'),
    look: /connecting to cp1 \S+: the host key has changed: it shows SHA256:\S+, pinned is SHA256:/,
    preflight: /connecting to cp1 \S+: the host key has changed: it shows SHA256:\S+, pinned is SHA256:/,
    remedy: /Find out why before going on/,
  },
  {
    name: 'sudo that asks for a password',
    spoil: (lab) =>
      onControlPlane(
        lab,
        "sed -i.saved 's/NOPASSWD: //' /etc/sudoers.d/nightlift",
        'mv /etc/sudoers.d/nightlift.saved /etc/sudoers.d/nightlift',
      ),
    look: /becoming root on cp1: sudo: a password is required/,
    preflight: /becoming root on cp1: sudo: a password is required/,
    remedy: /NOPASSWD/,
  },
  {
    name: 'a disk that is full',
    spoil: (lab) => smallDisk(lab, 0),
    look: /on cp1: .*a disk of the node is full/,
    preflight: /on cp1: .*a disk of the node is full/,
    remedy: /Make room on the node/,
  },
  {
    name: 'a disk that is nearly full',
    spoil: (lab) => smallDisk(lab, 64),
    preflight: /on cp1: .*67 MB are free on the file system of \/var\/lib\/nightlift, \d+ MB are wanted/,
    remedy: /make room on this node/,
  },
  {
    name: 'apt locks that unattended-upgrades holds',
    spoil: (lab) => onControlPlane(lab, holdAptLocks, 'systemctl stop lab-apt-locks'),
    preflight: /on cp1: .*process \d+ \(unattended-upgr\) held the package lock for longer than 3 s/,
    remedy: /let it end/,
  },
  {
    name: 'a package index with a wrong signature',
    spoil: (lab) => signed(lab, { by: 'wrong', publishedKey: 'good' }),
    look: /on cp1: .*the package index is signed with the key [0-9A-F]+, which the node does not trust/,
    preflight: /on cp1: .*the package index is signed with the key [0-9A-F]+, which the node does not trust/,
    remedy: /Find out whose key that is/,
  },
  {
    name: 'a repository with a key that nobody pinned',
    spoil: (lab) => signed(lab, { by: 'wrong', publishedKey: 'wrong' }),
    look: /on cp1: .*the package index is signed with the key [0-9A-F]+, which the node does not trust/,
    preflight: /on cp1: .*the repository key has the fingerprint [0-9A-F]{40}, expected is/,
    remedy: /compare it with the one that the Kubernetes project publishes/,
  },
  {
    name: 'a repository key that has expired',
    spoil: (lab) => signed(lab, { by: 'expired', publishedKey: 'expired', trustedBefore: true }),
    look: /on cp1: .*the package index is signed with the key [0-9A-F]+, which has expired/,
    preflight: /on cp1: .*the repository key [0-9A-F]{40} expired on 20\d\d-\d\d-\d\d/,
    remedy: /until the repository publishes an extended key/,
  },
  {
    name: 'an API server that answers 429',
    spoil: jailProduct,
    look: /the API server answered 429/,
    // It may be over in a minute: that is for the Job's retries.
    lookEnds: 'failed',
    preflight: /the API server answered 429/,
    remedy: /apiserver_flowcontrol_rejected_requests_total/,
    // The Job cannot ask whether this was its last try.
    toldBy: 'report',
  },
];

interface SecretData {
  readonly ssh_key?: string;
  readonly known_hosts: string;
  readonly slack_webhook: string;
}

/** The Secret as ExternalSecrets or a person would write it; no data, no Secret. */
async function secret(lab: Lab, change: (data: SecretData) => SecretData | undefined) {
  const words = ['-n', 'k8s-upgrade', 'secret', 'k8s-upgrade-creds'];
  const before = JSON.parse(await kubectl(lab, ['get', ...words, '-o', 'json'])) as { data: SecretData };
  const write = (data: SecretData | undefined) =>
    data === undefined
      ? Promise.resolve()
      : applyObjects(lab, [
          { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'k8s-upgrade-creds', namespace: 'k8s-upgrade' }, data },
        ]);
  await kubectl(lab, ['delete', ...words]);
  await write(change(before.data));
  return async () => {
    await kubectl(lab, ['delete', '--ignore-not-found', ...words]);
    await write(before.data);
  };
}

function otherKey(lab: Lab, passphrase: string) {
  return inNewDirectory('key', async (directory) => {
    const file = path.join(directory, 'key');
    await mustRun('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-f', file]);
    const text = await readFile(file, 'base64');
    return secret(lab, (data) => ({ ...data, ssh_key: text }));
  });
}

/** Not over SSH: that may be what is spoilt. */
async function onControlPlane(lab: Lab, spoil: string, mend: string) {
  const node = nodeNamed(lab, 'cp1');
  await mustOnNode(node, spoil);
  return () => mustOnNode(node, mend);
}

const newHostKey = `cd /etc/ssh
cp -a ssh_host_ed25519_key ssh_host_ed25519_key.pub /root/
rm ssh_host_ed25519_key ssh_host_ed25519_key.pub
ssh-keygen -q -t ed25519 -N '' -f ssh_host_ed25519_key
systemctl restart ssh`;

/** Everything that Nightlift writes on a node is below this directory. */
function smallDisk(lab: Lab, freeMegabytes: number) {
  return onControlPlane(
    lab,
    `mkdir -p /var/lib/nightlift && mount -t tmpfs -o size=128m,mode=755 tmpfs /var/lib/nightlift
dd if=/dev/zero of=/var/lib/nightlift/filler bs=1M count=${128 - freeMegabytes} status=none`,
    'umount /var/lib/nightlift',
  );
}

/** As apt and dpkg take them, by fcntl, under the name that apt shows of their holder. */
const holdAptLocks = `cat >/root/hold-apt-locks.pl <<'END'
use Fcntl;
$0 = "unattended-upgr";
for ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/apt/lists/lock") {
  open($held{$_}, "+>>", $_) or die "$_: $!";
  # struct flock: type, whence, start, length, process
  my $whole = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0);
  fcntl($held{$_}, F_SETLK, $whole) or die "$_: $!";
}
open(my $ready, ">", "/run/apt-locks-held") or die;
sleep 3600;
END
rm -f /run/apt-locks-held
systemd-run -q --unit=lab-apt-locks perl /root/hold-apt-locks.pl
for _ in $(seq 50); do [ -e /run/apt-locks-held ] && exit 0; sleep 0.1; done
journalctl -u lab-apt-locks >&2
exit 1`;

interface Signing {
  readonly by: KeyKind;
  /** What the repository has as its Release.key. */
  readonly publishedKey: KeyKind;
  /** The node has that key, from the time before it expired. */
  readonly trustedBefore?: true;
}

async function signed(lab: Lab, { by, publishedKey, trustedBefore }: Signing) {
  const minor = minorOf(await runningVersion(lab));
  const key = await signingKey(publishedKey);
  const keyring = path.join(lab.dir, 'nodes/cp1/root/etc/apt/keyrings/kubernetes-apt-keyring.gpg');
  const before = await readFile(keyring);
  await indexKubernetes(lab.repository.dir, minor, by);
  await copyFile(key.armored, path.join(repositoryOf(lab.repository.dir, minor), 'Release.key'));
  if (trustedBefore) await copyFile(key.binary, keyring);
  return async () => {
    await indexKubernetes(lab.repository.dir, minor, 'good');
    await writeFile(keyring, before);
  };
}

const jail = 'lab-jail';
const detector = 'k8s-upgrade-check';

/**
 * The API server's own flow control: the product's accounts have a priority level whose one seat is always taken, by
 * requests in their name that wait for an admission webhook which never answers.
 */
async function jailProduct(lab: Lab) {
  const { gateway } = network(lab.spec);
  const connections = new Set<Socket>();
  const mute = createServer((connection) => connections.add(connection.on('error', () => undefined)));
  await new Promise<void>((resolve) => mute.listen(0, gateway, resolve));
  const { port } = mute.address() as AddressInfo;
  await applyObjects(lab, jailObjects(`https://${hostPort(gateway, port)}/`));
  const token = (await kubectl(lab, ['-n', 'k8s-upgrade', 'create', 'token', detector])).trim();
  const stop = await onControlPlane(lab, takeTheSeat(token), 'systemctl stop lab-seat-1 lab-seat-2');
  return async () => {
    await stop();
    mute.close();
    for (const connection of connections) connection.destroy();
    await kubectl(lab, ['delete', 'flowschema,prioritylevelconfiguration', jail]);
    // After a request that is still on its way: without the webhook it would make its object.
    await sleep(1000);
    await kubectl(lab, ['delete', 'validatingwebhookconfiguration', jail]);
  };
}

/**
 * Each for the 30 s of the webhook, and at once again: in the moment between, the product's own requests must not get in.
 * Ends when another request is refused.
 */
function takeTheSeat(token: string): string {
  const object = JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: jail, labels: { app: jail } },
  });
  return `cat >/root/ask <<'END'
exec curl -s -o /dev/null -w '%{http_code}' --cacert /etc/kubernetes/pki/ca.crt -H 'authorization: Bearer ${token}' "$@"
END
cat >/root/take-seat <<'END'
while :; do
  bash /root/ask --rate 20/s -H 'content-type: application/json' -d '${object}' \\
    'https://127.0.0.1:6443/api/v1/namespaces/k8s-upgrade/configmaps?fieldManager=seat-[1-9999]' >/dev/null
  sleep 0.3
done
END
for number in 1 2; do systemd-run -q --unit=lab-seat-$number bash /root/take-seat; done
for _ in $(seq 60); do
  if [ "$(bash /root/ask https://127.0.0.1:6443/version)" = 429 ]; then exit 0; fi
  sleep 0.5
done
exit 1`;
}

function jailObjects(webhook: string): readonly object[] {
  const api = 'flowcontrol.apiserver.k8s.io/v1';
  const metadata = { name: jail };
  const subjects = [detector, 'k8s-upgrade-job'].map((name) => ({
    kind: 'ServiceAccount',
    serviceAccount: { namespace: 'k8s-upgrade', name },
  }));
  const limited = { nominalConcurrencyShares: 0, lendablePercent: 0, borrowingLimitPercent: 0 };
  const everything = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] };
  const rules = [
    { subjects, resourceRules: [everything], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] },
  ];
  return [
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata,
      webhooks: [
        {
          name: 'mute.lab.invalid',
          clientConfig: { url: webhook },
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
          objectSelector: { matchLabels: { app: jail } },
          timeoutSeconds: 30,
          failurePolicy: 'Fail',
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
        },
      ],
    },
    {
      apiVersion: api,
      kind: 'PriorityLevelConfiguration',
      metadata,
      spec: { type: 'Limited', limited: { ...limited, limitResponse: { type: 'Reject' } } },
    },
    {
      apiVersion: api,
      kind: 'FlowSchema',
      metadata,
      spec: { priorityLevelConfiguration: metadata, matchingPrecedence: 3, rules },
    },
  ];
}
