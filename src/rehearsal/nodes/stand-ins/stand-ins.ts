import type { StandIn } from '../stand-in.ts';
import { aptCache } from './apt-cache.ts';
import { aptGet } from './apt-get.ts';
import { aptHelper } from './apt-helper.ts';
import { aptMark } from './apt-mark.ts';
import { curl } from './curl.ts';
import { dpkg, dpkgDeb, dpkgQuery } from './dpkg.ts';
import { etcd, etcdctl, etcdutl } from './etcd.ts';
import { gpg } from './gpg.ts';
import { kubeadm } from './kubeadm.ts';
import {
  aptConfig,
  crictl,
  ctr,
  df,
  hostname,
  journalctl,
  kubectl,
  kubelet,
  systemdDetectVirt,
} from './small-programs.ts';
import { systemctl } from './systemctl.ts';
import { systemdRun } from './systemd-run.ts';

/** Programs of a node that are stand-ins; sudo is made by bin-directory.ts. */
export const standIns: Readonly<Record<string, StandIn>> = {
  'apt-cache': aptCache,
  'apt-config': aptConfig,
  // Not in a node's PATH: apt's own.
  '/usr/lib/apt/apt-helper': aptHelper,
  'apt-get': aptGet,
  'apt-mark': aptMark,
  crictl,
  ctr,
  curl,
  df,
  dpkg,
  'dpkg-deb': dpkgDeb,
  'dpkg-query': dpkgQuery,
  etcd,
  etcdctl,
  etcdutl,
  gpg,
  hostname,
  journalctl,
  kubeadm,
  kubectl,
  kubelet,
  systemctl,
  'systemd-detect-virt': systemdDetectVirt,
  'systemd-run': systemdRun,
};
