import { z } from 'zod';
import { observedSchema } from '../observed.ts';

/** A field of the survey: what it is, and why a node is asked for it (docs/nodes.md). */
const asked = <S extends z.ZodType>(schema: S, description: string, reason: string): S =>
  schema.meta({ description, reason });

const text = z.string();
const texts = z.array(z.string());
const bytes = z.number().nonnegative();
/** Absent on the node, or not to be found out there: never a default. */
const perhaps = <S extends z.ZodType>(schema: S) => schema.nullable();

const FileSystem = z.object({
  path: text.describe('what was asked for'),
  mount: text,
  type: text,
  bytes,
  freeBytes: bytes,
  inodes: z.number().nonnegative().describe('0 where the file system has none of its own'),
  freeInodes: z.number().nonnegative(),
  readOnly: z.boolean(),
  noexec: z.boolean(),
});

const AptSource = z.object({
  file: text,
  text: text.describe('the line, or the fields of the stanza, without passwords'),
  enabled: z.boolean(),
  signedBy: texts.describe('keyrings; `inline` for a key in the file itself'),
});

const Package = z.object({
  name: text,
  version: text.describe('Debian version; empty when it is not installed'),
  held: z.boolean(),
  installed: z.boolean().describe('unpacked, configured, nothing pending'),
});

const StaticPod = z.object({
  file: text.describe('name in the folder'),
  pod: perhaps(text).describe('metadata.name; null for what is no manifest of a pod'),
  images: texts,
  arguments: texts.describe('of all containers, without passwords'),
  containers: texts,
  volumes: texts.describe('NAME=PATH for those of the host'),
});

const Certificate = z.object({
  file: text,
  startsAt: perhaps(z.iso.datetime()),
  endsAt: perhaps(z.iso.datetime()).describe('null: it could not be read'),
});

/** What the etcd of a control plane said of itself. */
export const EtcdState = z.object({
  version: perhaps(text),
  dataDirectory: text,
  listenUrls: texts,
  members: z.array(z.object({ name: text, learner: z.boolean() })),
  databaseBytes: perhaps(bytes),
  directoryBytes: perhaps(bytes).describe('what the data directory takes: kubeadm copies all of it'),
  quotaBytes: perhaps(bytes).describe("--quota-backend-bytes; null for etcd's own default (2 GiB)"),
  alarms: texts.describe('NOSPACE, CORRUPT'),
});

/** What one node says of itself, read in one go by survey.sh, which changes nothing. */
export const NodeSurvey = z.object({
  os: asked(
    z.object({ id: text.describe('ID of /etc/os-release'), version: text, name: text }),
    'operating system',
    'Nightlift upgrades by apt; anything else is named before the first change.',
  ),
  kernel: asked(text, 'release of the kernel', 'A kubelet may need a newer one than an old distribution has.'),
  architecture: asked(text, 'as uname has it', 'Packages and images exist for some only.'),
  hardware: asked(
    z.object({
      virtualisation: text.describe('as systemd-detect-virt has it; none for bare metal'),
      vendor: text,
      product: text,
      cpu: text,
      cpus: z.number().int().nonnegative(),
      memoryBytes: bytes,
      nics: z.array(z.object({ name: text, driver: text, megabits: perhaps(z.number()) })),
    }),
    'the machine',
    'Nodes of one generation behave alike: one of each is a canary for the others.',
  ),
  cgroup: asked(
    perhaps(z.enum(['v1', 'v2'])),
    'version of cgroup',
    'kubelet 1.35 and later do not start on v1 unless failCgroupV1 is false.',
  ),
  swapBytes: asked(bytes, 'swap that is on', 'A kubelet with failSwapOn, its default, does not start with it.'),
  clockOffsetSeconds: asked(
    perhaps(z.number()),
    'how far the clock is from that of the API server; positive when ahead',
    'Certificates, leases and package signatures are judged by it.',
  ),
  uptimeSeconds: asked(
    perhaps(z.number().nonnegative()),
    'since the last start',
    'A node that has just come up is not settled.',
  ),
  rebootRequired: asked(
    z.boolean(),
    'whether /run/reboot-required is there',
    'An updated kernel or library waits for a restart, which nobody wants in the middle of the night.',
  ),
  missingTools: asked(
    texts,
    'programs that the scripts need and that are not installed',
    "Found out on the node's own turn, the control plane would be upgraded already.",
  ),
  fileSystems: asked(
    z.array(FileSystem),
    "what is behind /, /usr, /var, /var/lib, /tmp, /etc/kubernetes, the runtime's, the kubelet's and our own directories, and etcd's data",
    "Packages, images and kubeadm's copies need room, inodes, and a place to run from.",
  ),
  apt: asked(
    z.object({
      sources: z.array(AptSource),
      proxies: texts,
      defaultRelease: text,
      pins: texts.describe('preferences for our packages'),
      unattended: texts.describe('what unattended-upgrades may take, when it is on'),
      locks: z.array(
        z.object({ file: text, pid: z.number().int(), program: text, seconds: perhaps(z.number().nonnegative()) }),
      ),
    }),
    'where packages come from, and who is at work on them',
    'A source that is switched off or a lock that is held for hours stops the node on its turn.',
  ),
  packages: asked(
    z.array(Package),
    "ours, the runtime's, those on hold, and those that are not whole",
    'apt does nothing on a node with a half-configured package.',
  ),
  runtime: asked(
    z.object({
      sockets: texts,
      socket: text.describe(
        'the one that the kubelet uses by its flags or its config file; empty when neither says so',
      ),
      root: text,
      configVersion: perhaps(z.number().int()).describe("of containerd's config.toml"),
      sandboxImage: text,
    }),
    'container runtime',
    "With two sockets kubeadm has to be told which; the sandbox image is the runtime's own setting.",
  ),
  kubelet: asked(
    z.object({
      active: text.describe("systemd's word"),
      arguments: texts.describe('of the running process, without passwords'),
      flags: z.array(z.object({ file: text, flag: text })).describe('wherever they stand for the next start'),
      config: z
        .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
        .describe('what decides whether it starts'),
      featureGates: z.record(z.string(), z.boolean()).describe('of flags and config file together'),
    }),
    'kubelet',
    'A flag or a feature gate that the target has no more keeps it from starting.',
  ),
  staticPods: asked(
    z.array(StaticPod),
    'every file in the folder of the static pods',
    'The kubelet runs whatever is there: a copy of a manifest is a second pod.',
  ),
  patches: asked(texts, 'files of kubeadm patches', 'kubeadm forgets them unless it is told each time.'),
  certificates: asked(
    z.array(Certificate),
    'certificates and kubeconfigs with their ends',
    'One that ends during the run takes its component down.',
  ),
  etcd: asked(
    z.object({ where: z.enum(['here', 'elsewhere', 'none']), state: observedSchema(EtcdState).nullable() }),
    'etcd of this control plane: here as a static pod, or elsewhere',
    'An alarm, a learner or a full quota stops the control plane in the middle of its upgrade.',
  ),
  backups: asked(
    z.object({ count: z.number().int().nonnegative(), bytes }),
    "kubeadm's own copies in /etc/kubernetes/tmp",
    'kubeadm adds one with each upgrade and removes none.',
  ),
  leftovers: asked(
    z.object({ staged: texts, units: texts, sourceChanged: texts, bytes }),
    'what Nightlift has left on the node',
    'An upgrade that was interrupted is gone on with, and what was fetched for another version is cleaned up.',
  ),
});

export type EtcdState = z.infer<typeof EtcdState>;
export type NodeSurvey = z.infer<typeof NodeSurvey>;
