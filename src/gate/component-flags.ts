import { gatesOf } from '../node/survey-kubernetes.ts';
import { minorNumber, minorOf } from '../version.ts';
import type { GateContext } from './check.ts';
import removals from './component-removals.json' with { type: 'json' };
import { nodeCheck, type SurveyedNode } from './surveyed.ts';

type Flags = Readonly<Record<string, readonly string[]>>;

interface Removals {
  readonly flags: Flags;
  readonly gates?: readonly string[];
  /** Gates that have this value only, from that minor on. */
  readonly locked?: Readonly<Record<string, boolean>>;
}

/**
 * Before the minors whose programs were asked (component-removals.json, by test/control-plane/record-component-removals.ts):
 * the lists of siderolabs/go-kubernetes and the changelogs. kubelet 1.35.8 and its kin were seen to refuse each of these flags.
 */
const EARLIER: Readonly<Record<string, Removals>> = {
  '1.27': {
    flags: {
      kubelet: ['--container-runtime', '--master-service-namespace'],
      'kube-controller-manager': ['--enable-taint-manager', '--pod-eviction-timeout'],
    },
  },
  '1.31': {
    flags: {
      kubelet: ['--keep-terminated-pod-volumes', '--iptables-masquerade-bit', '--iptables-drop-bit'],
      'kube-controller-manager': [
        '--volume-host-cidr-denylist',
        '--volume-host-allow-local-loopback',
        '--horizontal-pod-autoscaler-upscale-delay',
        '--horizontal-pod-autoscaler-downscale-delay',
      ],
    },
    gates: ['APIPriorityAndFairness'],
  },
  '1.33': { flags: { 'kube-apiserver': ['--cloud-config'] } },
  '1.34': { flags: { kubelet: ['--cloud-config'] } },
  '1.35': { flags: { kubelet: ['--pod-infra-container-image'] } },
};
const ASKED: Readonly<Record<string, Removals>> = removals;
const ALL = Object.entries({ ...EARLIER, ...ASKED });

/** kubeadm 1.35, and no other, takes this flag out of this file (its phase post-upgrade); stage.sh goes by the same. */
const MENDED = { file: '/var/lib/kubelet/kubeadm-flags.env', flag: '--pod-infra-container-image', minor: 35 };

const upTo = (target: string): readonly Removals[] =>
  ALL.flatMap(([minor, gone]) => (minorNumber(minor) <= minorNumber(target) ? [gone] : []));

interface Use {
  readonly name: string;
  readonly where: string;
}

/** `--a_b=c` is `--a-b` to the programs. */
const nameOf = (flag: string): string => (flag.split('=')[0] ?? '').replaceAll('_', '-');

/** Flags of the kubelet wherever they stand for its next start, and those that it runs with and that no file names. */
function kubeletFlags({ survey }: SurveyedNode, { target }: GateContext): readonly Use[] {
  const files = survey.kubelet.flags.map(({ file, flag }) => ({ name: nameOf(flag), where: file }));
  const inFiles = new Set(files.map(({ name }) => name));
  const running = survey.kubelet.arguments
    .map((argument) => ({ name: nameOf(argument), where: 'the running kubelet' }))
    .filter(({ name }) => !inFiles.has(name));
  return [...files, ...running].filter(
    ({ name, where }) => !(minorNumber(target) === MENDED.minor && where === MENDED.file && name === MENDED.flag),
  );
}

const componentsOf = ({ survey }: SurveyedNode) =>
  survey.staticPods.flatMap(({ pod, file, arguments: given }) =>
    pod === null ? [] : [{ program: pod, given, where: `/etc/kubernetes/manifests/${file}` }],
  );

function removedFlags(program: string, uses: readonly Use[], target: string): readonly string[] {
  const gone = new Set(
    upTo(target).flatMap(({ flags }) => (Object.hasOwn(flags, program) ? (flags[program] ?? []) : [])),
  );
  return [...new Set(uses.filter(({ name }) => gone.has(name)).map(({ name, where }) => `${name} in ${where}`))];
}

interface Gate {
  readonly name: string;
  readonly on: boolean;
  readonly where: string;
}

function gatesUsed(surveyed: SurveyedNode): readonly Gate[] {
  const { featureGates, flags } = surveyed.survey.kubelet;
  return [
    ...Object.entries(featureGates).map(([name, on]) => ({
      name,
      on,
      where:
        flags.find(({ flag }) => Object.hasOwn(gatesOf(flag), name))?.file ?? "the kubelet's config file or arguments",
    })),
    ...componentsOf(surveyed).flatMap(({ given, where }) =>
      Object.entries(Object.assign({}, ...given.map(gatesOf)) as Record<string, boolean>).map(([name, on]) => ({
        name,
        on,
        where,
      })),
    ),
  ];
}

/** Inside a minor nothing is removed. */
function isInMinor({ node }: SurveyedNode, target: string): boolean {
  const runs = [node.kubelet, ...(node.role === 'worker' ? [] : [node.apiServer])];
  return runs.every((version) => version !== null && minorOf(version) === minorOf(target));
}

const REMEDY =
  'Take what is named out of that file, and of where kubeadm writes it from: `kubectl -n kube-system edit configmap kubeadm-config` for the control plane, `kubelet-config` for the kubelet. Then restart the kubelet.';

/** No flag and no feature gate keeps kubelet or control plane of the target from starting, wherever it stands. */
export const componentFlags = nodeCheck('component-flags', [
  {
    reason: 'FlagRemoved',
    severity: 'block',
    said: ({ target }) => `flags with which ${minorOf(target)} does not start`,
    remedy: REMEDY,
    problems: (surveyed, context) => [
      ...removedFlags('kubelet', kubeletFlags(surveyed, context), context.target),
      ...componentsOf(surveyed).flatMap(({ program, given, where }) =>
        removedFlags(
          program,
          given.map((argument) => ({ name: nameOf(argument), where })),
          context.target,
        ),
      ),
    ],
  },
  {
    reason: 'FeatureGateRemoved',
    severity: 'block',
    said: ({ target }) => `feature gates that ${minorOf(target)} does not know any more, with which it does not start`,
    remedy: REMEDY,
    problems(surveyed, { target }) {
      const gone = new Set(upTo(target).flatMap(({ gates }) => gates ?? []));
      return gatesUsed(surveyed)
        .filter(({ name }) => gone.has(name))
        .map(({ name, where }) => `${name} in ${where}`);
    },
  },
  {
    reason: 'FeatureGateLocked',
    severity: 'block',
    said: ({ target }) =>
      `feature gates that cannot have this value in ${minorOf(target)}, with which it does not start`,
    remedy: REMEDY,
    problems(surveyed, { target }) {
      const locked = new Map(upTo(target).flatMap((one) => Object.entries(one.locked ?? {})));
      return gatesUsed(surveyed)
        .filter(({ name, on }) => locked.has(name) && locked.get(name) !== on)
        .map(({ name, on, where }) => `${name}=${on} in ${where}`);
    },
  },
  {
    reason: 'FlagsNotKnown',
    severity: 'warn',
    said: ({ target }) =>
      `which flags and feature gates ${minorOf(target)} removes is not known to this version of Nightlift, so these were not held against it`,
    remedy: "Read “Removed” and “Urgent upgrade notes” of that minor's changelog, or take a newer Nightlift.",
    problems(surveyed, { target }) {
      if (isInMinor(surveyed, target) || Object.hasOwn(ASKED, minorOf(target))) return [];
      const gates = gatesUsed(surveyed).map(({ name }) => name);
      return [gates.length === 0 ? '' : `with the feature gates ${[...new Set(gates)].join(', ')}`];
    },
  },
]);
