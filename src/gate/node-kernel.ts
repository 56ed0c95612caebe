import { formatDuration } from '../age.ts';
import { minorNumber } from '../version.ts';
import type { GateContext } from './check.ts';
import { nodeCheck, type SurveyedNode, when } from './surveyed.ts';

/** From this minor on `failCgroupV1` is true by default, and kubeadm's SystemVerification an error on v1 (KEP-5573, system-validators 1.12.1). */
const WITHOUT_CGROUP_V1 = 35;

interface KernelRule {
  /** From this minor on, until the next row. */
  readonly from: number;
  readonly accepts: readonly RegExp[];
  readonly said: string;
  /** Whether kubeadm's check is an error. */
  readonly isError: boolean;
}

const SINCE_4_19: Pick<KernelRule, 'accepts' | 'said'> = {
  accepts: [/^4\.19/, /^4\.[2-9][0-9]/, /^([5-9]|[1-9][0-9]+)\.\d+/],
  said: '4.19 or newer',
};

/**
 * What kubeadm's SystemVerification accepts (system-validators 1.8.0, 1.9.1, 1.10.1 and 1.12.1, `KernelSpec` of
 * types_unix.go). An upgrade asks it since 1.33 (#129401), and since 1.34 it only warns of the kernel (#131919).
 */
const KERNELS: readonly KernelRule[] = [
  { from: 0, accepts: [/^3\.[1-9][0-9]/, /^([4-9]|[1-9][0-9]+)\.\d+/], said: '3.10 or newer', isError: false },
  { from: 32, ...SINCE_4_19, isError: false },
  { from: 33, ...SINCE_4_19, isError: true },
  {
    from: 34,
    accepts: [/^5\.4/, /^5\.10/, /^5\.15/, /^([6-9]|[1-9][0-9]+)\.\d+/],
    said: '5.4, 5.10, 5.15, or 6.0 and newer',
    isError: false,
  },
];

/** A kubelet that has just been started with the machine is not settled. */
const SETTLED_SECONDS = 600;

const kernelRule = ({ target }: GateContext): KernelRule | undefined =>
  KERNELS.findLast(({ from }) => from <= minorNumber(target));

function wrongKernel({ survey }: SurveyedNode, context: GateContext, isError: boolean): readonly string[] {
  const rule = kernelRule(context);
  if (rule === undefined || rule.accepts.some((accepted) => accepted.test(survey.kernel))) return [];
  return when(isError === (rule.isError && !ignored(context)), survey.kernel || 'not known');
}

/** kubeadm is told to go on all the same. */
function ignored({ options }: GateContext): boolean {
  return options.kubeadm.ignorePreflightErrors.some((name) =>
    ['systemverification', 'all'].includes(name.toLowerCase()),
  );
}

/** A kubelet that runs is of a minor that starts on this machine. */
const provesCgroup = ({ node }: SurveyedNode): boolean => minorNumber(node.kubelet) >= WITHOUT_CGROUP_V1;

const saysKernel = (context: GateContext): string =>
  `kubeadm ${context.target} is made for Linux ${kernelRule(context)?.said ?? ''}`;

function toleratesSwap({ survey }: SurveyedNode): boolean {
  const flags = [...survey.kubelet.arguments, ...survey.kubelet.flags.map(({ flag }) => flag)];
  return survey.kubelet.config['failSwapOn'] === false || flags.includes('--fail-swap-on=false');
}

/** Kubelet and kubeadm of the target start on this kernel, as it is set up. */
export const nodeKernel = nodeCheck('node-kernel', [
  {
    reason: 'CgroupV1',
    severity: 'block',
    said: ({ target }) => `cgroup v1, on which kubelet ${target} does not start unless failCgroupV1 is false`,
    remedy:
      'Start these nodes with cgroup v2 (systemd.unified_cgroup_hierarchy=1 on the kernel command line). To stay on v1 for now: failCgroupV1: false in ConfigMap kube-system/kubelet-config and in /var/lib/kubelet/config.yaml.',
    problems: ({ survey }, { target }) =>
      when(
        minorNumber(target) >= WITHOUT_CGROUP_V1 &&
          survey.cgroup === 'v1' &&
          survey.kubelet.config['failCgroupV1'] !== false,
      ),
  },
  {
    reason: 'CgroupV1',
    severity: 'block',
    said: ({ target }) =>
      `cgroup v1, which kubeadm ${target} refuses (SystemVerification), also with failCgroupV1: false`,
    remedy:
      "Start these nodes with cgroup v2, or add SystemVerification to kubeadm.ignorePreflightErrors of Nightlift's settings.",
    problems: ({ survey }, context) =>
      when(
        minorNumber(context.target) >= WITHOUT_CGROUP_V1 &&
          survey.cgroup === 'v1' &&
          survey.kubelet.config['failCgroupV1'] === false &&
          !ignored(context),
      ),
  },
  {
    reason: 'CgroupUnknown',
    severity: 'block',
    said: ({ target }) => `whether it is cgroup v1, on which kubelet ${target} does not start, could not be found out`,
    remedy: 'See what `stat -fc %T /sys/fs/cgroup` says there: cgroup2fs is v2.',
    problems: (surveyed, { target }) =>
      when(minorNumber(target) >= WITHOUT_CGROUP_V1 && surveyed.survey.cgroup === null && !provesCgroup(surveyed)),
  },
  {
    reason: 'KernelTooOld',
    severity: 'block',
    said: saysKernel,
    remedy: 'Install a newer kernel on these nodes and restart them.',
    problems: (surveyed, context) => wrongKernel(surveyed, context, true),
  },
  {
    reason: 'KernelUntested',
    severity: 'warn',
    said: saysKernel,
    remedy: 'Plan a kernel of that kind; kubeadm only warns of others.',
    problems: (surveyed, context) => wrongKernel(surveyed, context, false),
  },
  {
    reason: 'SwapOn',
    severity: 'block',
    said: 'swap is on, and failSwapOn of the kubelet is not false, so that it does not start again',
    remedy:
      'On each: swapoff -a, and take swap out of /etc/fstab; or set failSwapOn: false in ConfigMap kube-system/kubelet-config and in /var/lib/kubelet/config.yaml.',
    problems: (surveyed) =>
      surveyed.survey.swapBytes > 0 && !toleratesSwap(surveyed)
        ? [`${Math.ceil(surveyed.survey.swapBytes / 1_000_000)} MB`]
        : [],
  },
  {
    reason: 'RebootPending',
    severity: 'warn',
    said: 'a restart is pending; an updated kernel or library waits for it',
    remedy: 'Restart these nodes before the run, one by one; /run/reboot-required.pkgs names the packages.',
    problems: ({ survey }) => when(survey.rebootRequired),
  },
  {
    reason: 'JustStarted',
    severity: 'warn',
    said: 'the machine has just been started',
    remedy: 'Find out why, when nobody here has done it.',
    problems: ({ survey: { uptimeSeconds } }) =>
      uptimeSeconds !== null && uptimeSeconds < SETTLED_SECONDS ? [`${formatDuration(uptimeSeconds * 1000)} ago`] : [],
  },
]);
