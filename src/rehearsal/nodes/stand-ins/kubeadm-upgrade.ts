import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { kubeadmImage, kubeadmImages } from '../kubeadm-images.ts';
import { copyEtcdData } from '../machine.ts';
import { isKilled, type StandInCall } from '../stand-in.ts';
import { COMPONENTS, imageInManifest, manifestOf } from '../static-pod-manifest.ts';
import { type KubeadmRequest, kubeadmError, pullImage } from './kubeadm-request.ts';

const MANIFESTS = '/etc/kubernetes/manifests';

/** `kubeadm upgrade apply vX.Y.Z -y`, phase by phase (kubeadm-facts.md A7). */
export async function upgradeApply(call: StandInCall, request: KubeadmRequest): Promise<number> {
  const target = request.words[2]?.replace(/^v/, '');
  const { machine } = call;
  if (target === undefined) return kubeadmError(call, 'accepts 1 arg(s), received 0');
  if (!request.flags.has('-y') && !request.flags.has('--yes')) {
    call.out('[upgrade] Are you sure you want to proceed? [y/N]: ');
    return kubeadmError(call, "won't proceed; the user didn't answer (Y|y) in order to continue");
  }
  call.out('[upgrade] Reading configuration from the "kubeadm-config" ConfigMap in namespace "kube-system"...\n');
  call.out("[upgrade] Use 'kubeadm init phase upload-config kubeadm --config your-config-file' to re-upload it.\n");
  const running = await machine.cluster.kubeadmConfigVersion();
  call.out('[upgrade/preflight] Running preflight checks\n[upgrade] Running cluster health checks\n');
  const unready = await machine.cluster.unreadyControlPlanes();
  const missing = COMPONENTS.filter((one) => one !== 'etcd' && !existsSync(machine.path(`${MANIFESTS}/${one}.yaml`)));
  const errors = [
    ...(unready.length > 0
      ? [`[ERROR ControlPlaneNodesReady]: there are NotReady control-planes in the cluster: [${unready.join(' ')}]`]
      : []),
    ...(missing.length > 0 ? [`[ERROR StaticPodManifest]: couldn't find manifests for: [${missing.join(' ')}]`] : []),
  ];
  if (errors.length > 0) return preflightError(call, errors);
  call.out(`[upgrade/preflight] You have chosen to upgrade the cluster version to "v${target}"\n`);
  call.out(
    `[upgrade/versions] Cluster version: v${running}\n[upgrade/versions] kubeadm version: v${request.version}\n`,
  );
  const policy = versionPolicy(running, target, request.version);
  if (policy !== undefined) return kubeadmError(call, `error execution phase preflight: ${policy}`);
  const unpulled = await imagePullErrors(call, request, target);
  if (isKilled(call)) return 137;
  if (unpulled.length > 0) return preflightError(call, unpulled);
  call.out(
    `[upgrade/control-plane] Upgrading your static Pod-hosted control plane to version "v${target}" (timeout: 5m0s)...\n`,
  );
  const failure = await upgradeControlPlane(call, request, target);
  if (isKilled(call)) return 137;
  if (failure !== undefined) return kubeadmError(call, `error execution phase control-plane: ${failure}`);
  await machine.cluster.writeKubeadmConfigVersion(target);
  call.out(
    '[upload-config] Storing the configuration used in ConfigMap "kubeadm-config" in the "kube-system" Namespace\n',
  );
  call.out(
    '[kubelet] Creating a ConfigMap "kubelet-config" in namespace kube-system with the configuration for the kubelets in the cluster\n',
  );
  call.out('[upgrade/kubeconfig] The kubeconfig files for this node were successfully upgraded!\n');
  if (!(await upgradeKubeletConfig(call))) return 137;
  await upgradeAddons(call, request, target);
  call.out(`[upgrade] SUCCESS! A control plane node of your cluster was upgraded to "v${target}".\n\n`);
  call.out('[upgrade] Now please proceed with upgrading the rest of the nodes by following the right order.\n');
  return 0;
}

/** `kubeadm upgrade node`: goes to the version of kubeadm-config; a control plane is what has a kube-apiserver manifest (A11). */
export async function upgradeNode(call: StandInCall, request: KubeadmRequest): Promise<number> {
  const { machine } = call;
  if (request.words.length > 2)
    return kubeadmError(call, `unknown command "${request.words[2]}" for "kubeadm upgrade node"`);
  call.out('[upgrade] Reading configuration from the "kubeadm-config" ConfigMap in namespace "kube-system"...\n');
  const target = await machine.cluster.kubeadmConfigVersion();
  const controlPlane = existsSync(machine.path(`${MANIFESTS}/kube-apiserver.yaml`));
  call.out('[upgrade/preflight] Running pre-flight checks\n');
  if (!controlPlane) {
    call.out('[upgrade/preflight] Skipping prepull. Not a control plane node.\n');
    call.out('[upgrade/control-plane] Skipping phase. Not a control plane node.\n');
    call.out('[upgrade/kubeconfig] Skipping phase. Not a control plane node.\n');
    if (!(await upgradeKubeletConfig(call))) return 137;
    call.out('[upgrade/addon] Skipping the addon/coredns phase. Not a control plane node.\n');
    call.out('[upgrade/addon] Skipping the addon/kube-proxy phase. Not a control plane node.\n');
    return 0;
  }
  const errors = await imagePullErrors(call, request, target);
  if (isKilled(call)) return 137;
  if (errors.length > 0) return preflightError(call, errors);
  call.out(
    `[upgrade/control-plane] Upgrading your Static Pod-hosted control plane instance to version "v${target}"...\n`,
  );
  const failure = await upgradeControlPlane(call, request, target);
  if (isKilled(call)) return 137;
  if (failure !== undefined) return kubeadmError(call, `error execution phase control-plane: ${failure}`);
  call.out('[upgrade/kubeconfig] The kubeconfig files for this node were successfully upgraded!\n');
  if (!(await upgradeKubeletConfig(call))) return 137;
  await upgradeAddons(call, request, target);
  return 0;
}

function preflightError(call: StandInCall, errors: readonly string[]): number {
  return kubeadmError(
    call,
    `error execution phase preflight: [preflight] Some fatal errors occurred:\n${errors.map((one) => `\t${one}\n`).join('')}[preflight] If you know what you are doing, you can make a check non-fatal with \`--ignore-preflight-errors=...\``,
  );
}

async function imagePullErrors(call: StandInCall, request: KubeadmRequest, target: string): Promise<string[]> {
  call.out('[upgrade/preflight] Pulling images required for setting up a Kubernetes cluster\n');
  const errors: string[] = [];
  for (const image of kubeadmImages(target)) {
    const failure = await pullImage(call, image);
    if (failure === undefined) continue;
    if (request.ignored.has('imagepull')) call.err(`\t[WARNING ImagePull]: ${failure}\n`);
    else errors.push(`[ERROR ImagePull]: ${failure}`);
  }
  return errors;
}

/** What went wrong, in kubeadm's words. */
async function upgradeControlPlane(
  call: StandInCall,
  request: KubeadmRequest,
  target: string,
): Promise<string | undefined> {
  const { machine } = call;
  const stampNow = (): string => new Date().toISOString().slice(0, 19).replaceAll(/[T:]/g, '-');
  const backupAt = (stamp: string): string => `/etc/kubernetes/tmp/kubeadm-backup-manifests-${stamp}`;
  // A real one takes minutes: two in one second, whose directories would be the same, are a rehearsal's alone.
  while (existsSync(machine.path(backupAt(stampNow())))) await call.sleep(100);
  if (isKilled(call)) return undefined;
  const stamp = stampNow();
  const backup = backupAt(stamp);
  mkdirSync(machine.path(backup), { recursive: true });
  const etcdBackup = `/etc/kubernetes/tmp/kubeadm-backup-etcd-${stamp}`;
  mkdirSync(machine.path(etcdBackup), { recursive: true });
  if (machine.knobs.freeBytes < 1e6)
    return `failed to back up etcd data: write ${etcdBackup}/etcd: no space left on device`;
  if (request.flags.get('--etcd-upgrade') !== 'false') copyEtcdData(machine, `${etcdBackup}/etcd`);
  const work = `/etc/kubernetes/tmp/kubeadm-upgraded-manifests${stamp.replaceAll('-', '')}`;
  mkdirSync(machine.path(work), { recursive: true });
  call.out(`[upgrade/staticpods] Writing new Static Pod manifests to "${work}"\n`);
  for (const component of COMPONENTS) {
    if (component === 'etcd' && request.flags.get('--etcd-upgrade') === 'false') continue;
    const file = `${MANIFESTS}/${component}.yaml`;
    call.out(`[upgrade/staticpods] Preparing for "${component}" upgrade\n`);
    const current = readFileSync(machine.path(file), 'utf8');
    const next = manifestOf(component, target, machine.internalIp);
    await call.sleep(machine.timing.kubeadmStep);
    if (isKilled(call)) return undefined;
    // etcd is restarted with a new API server even when its own manifest stays: its certificates were renewed.
    const apiServerStays =
      readFileSync(machine.path(`${MANIFESTS}/kube-apiserver.yaml`), 'utf8') ===
      manifestOf('kube-apiserver', target, machine.internalIp);
    if (current === next && (component !== 'etcd' || apiServerStays)) {
      call.out(`[upgrade/staticpods] Current and new manifests of ${component} are equal, skipping upgrade\n`);
      if (component === 'etcd') call.out('[upgrade/etcd] Waiting for etcd to become available\n');
      continue;
    }
    const moved =
      current === next
        ? `Restarting the ${component} static pod and backing up its manifest to`
        : `Moving new manifest to "${file}" and backing up old manifest to`;
    writeFileSync(machine.path(`${work}/${component}.yaml`), next);
    renameSync(machine.path(file), machine.path(`${backup}/${component}.yaml`));
    // Killed here, the manifest is in the backup only.
    await call.sleep(machine.timing.kubeadmStep / 4);
    if (isKilled(call)) return undefined;
    renameSync(machine.path(`${work}/${component}.yaml`), machine.path(file));
    call.out(`[upgrade/staticpods] ${moved} "${backup}/${component}.yaml"\n`);
    call.out('[upgrade/staticpods] Waiting for the kubelet to restart the component\n');
    call.out('[upgrade/staticpods] This can take up to 5m0s\n');
    if (machine.knobs.stuckHashes.has(component) || !(await machine.syncStaticPod(component))) {
      await call.sleep(machine.timing.upgradeManifests);
      if (isKilled(call)) return undefined;
      // kubeadm puts back what it has moved; etcd only when etcd itself failed.
      for (const name of readdirSync(machine.path(backup))) {
        if (name === 'etcd.yaml' && component !== 'etcd') continue;
        renameSync(machine.path(`${backup}/${name}`), machine.path(`${MANIFESTS}/${name}`));
      }
      for (const name of COMPONENTS) if (name !== component) await machine.syncStaticPod(name);
      return `couldn't complete the static pod upgrade: couldn't upgrade control plane. kubeadm has tried to recover everything into the earlier state. Errors faced: static Pod hash for component ${component} on Node ${machine.name} did not change after 5m0s: context deadline exceeded`;
    }
    if (isKilled(call)) return undefined;
    call.out(`[apiclient] Found 1 Pods for label selector component=${component}\n`);
    call.out(`[upgrade/staticpods] Component "${component}" upgraded successfully!\n`);
    if (component === 'etcd') call.out('[upgrade/etcd] Waiting for etcd to become available\n');
  }
  rmSync(machine.path(work), { recursive: true, force: true });
  call.out('[upgrade/control-plane] The control plane instance for this node was successfully upgraded!\n');
  return undefined;
}

/** false when it was killed. */
async function upgradeKubeletConfig(call: StandInCall): Promise<boolean> {
  await call.sleep(call.machine.timing.kubeadmStep);
  if (isKilled(call)) return false;
  call.out('[upgrade] Backing up kubelet config file to /etc/kubernetes/tmp/kubeadm-kubelet-config/config.yaml\n');
  call.out('[kubelet-start] Writing kubelet configuration to file "/var/lib/kubelet/config.yaml"\n');
  call.out('[upgrade/kubelet-config] The kubelet configuration for this node was successfully upgraded!\n');
  return true;
}

async function upgradeAddons(call: StandInCall, request: KubeadmRequest, target: string): Promise<void> {
  const { cluster, path } = call.machine;
  const skipped = (request.flags.get('--skip-phases') ?? '').split(',');
  const own = imageInManifest(readFileSync(path(`${MANIFESTS}/kube-apiserver.yaml`), 'utf8'));
  const behind = [...(await cluster.apiServerVersions())]
    .filter(([, version]) => !own.endsWith(`:v${version}`))
    .map(([node]) => node);
  for (const [addon, title] of [
    ['coredns', 'CoreDNS'],
    ['kube-proxy', 'kube-proxy'],
  ] as const) {
    if (skipped.includes('addon') || skipped.includes(`addon/${addon}`)) continue;
    if (behind.length > 0) {
      call.out(
        `[upgrade/addon] Skipping upgrade of addons because control plane instances [${behind.join(' ')}] have not been upgraded\n`,
      );
    } else {
      await cluster.addonUpgraded(addon, kubeadmImage(addon, target));
      call.out(`[addons] Applied essential addon: ${title}\n`);
    }
  }
}

/** kubeadm `phases/upgrade/policy.go`. */
function versionPolicy(running: string, target: string, own: string): string | undefined {
  const minor = (version: string): number => Number(version.split('.')[1]);
  const wrap = (text: string): string =>
    `[upgrade/version] FATAL: the version argument is invalid due to these fatal errors:\n\n\t- ${text}\n\nPlease fix the misalignments highlighted above and try upgrading again`;
  if (minor(target) > minor(running) + 1) {
    return wrap(
      `Specified version to upgrade to "v${target}" is too high; kubeadm can upgrade only 1 minor version at a time`,
    );
  }
  if (minor(target) < minor(own))
    return wrap(`Kubeadm version v${own} can only be used to upgrade to Kubernetes version 1.${minor(own)}`);
  if (target.localeCompare(own, 'en', { numeric: true }) > 0) {
    return wrap(
      `Specified version to upgrade to "v${target}" is higher than the kubeadm version "v${own}". Upgrade kubeadm first using the tool you used to install kubeadm`,
    );
  }
  return undefined;
}
