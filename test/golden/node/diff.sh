#!/bin/bash
# Stands in front of every other file of this folder. Runs as root on a node, by `bash -s` over SSH or as a systemd unit.
set -euo pipefail
umask 022
# Empty on a real node; the rehearsal puts a directory of its own in front of every path.
ROOT="${NIGHTLIFT_ROOT:-}"
# Without a terminal nothing may ask, and needrestart must not restart the kubelet before kubeadm has written its settings.
export LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none UCF_FORCE_CONFFOLD=1
export TMPDIR="$ROOT/tmp"

say() { printf 'nightlift: %s\n' "$*"; }

# fail CODE WHAT REMEDY: the last two lines of a script that failed.
fail() {
  printf 'nightlift: failed: %s\nnightlift: what to do: %s\n' "$2" "$3" >&2
  exit "$1"
}

# Version of an installed package; empty when it is absent or only half installed.
package_version() {
  # shellcheck disable=SC2016 # dpkg-query expands these, not the shell
  dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null | awk '$1 == "installed" { print $2; exit }' || true
}

free_bytes() { df -P -B1 "$1" | awk 'NR == 2 { print $4 }'; }

# Proves that this machine is the node that it is taken for. Stands in front of every script that changes something, and
# alone asks whether a node can be reached: an address is what each kubelet writes into the status of its own node.
# Exit codes: 25 another node · 26 no proof
NODE='worker-1'
# Of the node's status; empty when it has none.
MACHINE_ID='5d41402abc4b2a76b9719d911017c592'

kubelet_conf="$ROOT/etc/kubernetes/kubelet.conf"
in_hex() { od -An -v -tx1 | tr -d ' \n'; }

# The kubelet's own client certificate, in DER: a file that it renews, or what kubeadm has written into kubelet.conf.
kubelet_certificate() {
  local file
  file="$(awk '/^ *client-certificate: / { sub(/^ *client-certificate: */, ""); gsub(/["\047]/, ""); print; exit }' "$kubelet_conf")"
  if [ -n "$file" ]; then cat "$ROOT$file"; else sed -n 's/^ *client-certificate-data: *//p' "$kubelet_conf" | head -n 1 | base64 -d; fi |
    awk '/-----BEGIN CERTIFICATE-----/ { on = 1; next } /-----END CERTIFICATE-----/ { exit } on' | base64 -d
}

# The node that the certificate is for. Its subject has the common name system:node:NAME: the object identifier 2.5.4.3,
# then a string (UTF8String or PrintableString) with its length, which is one byte, or 81 and one byte.
node_of_certificate() {
  local found
  found="$(kubelet_certificate | in_hex)"
  if ! [[ "$found" =~ 0603550403(0c|13)((81)?[0-9a-f]{2}73797374656d3a6e6f64653a[0-9a-f]*) ]]; then return 1; fi
  found="${BASH_REMATCH[2]}"
  found="${found#81}"
  printf '%b' "$(printf '%s' "${found:26:$((2 * 16#${found:0:2} - 24))}" | sed 's/../\\x&/g')"
}

if ! own_name="$(node_of_certificate 2>/dev/null)"; then
  fail 26 "nothing proves that this machine is $NODE: /etc/kubernetes/kubelet.conf leads to no client certificate of a kubelet" "see on this machine how its kubelet logs in: kubeadm puts client-certificate into /etc/kubernetes/kubelet.conf"
fi
if [ "$own_name" != "$NODE" ]; then
  fail 25 "this machine is the node $(tr -cd '[:alnum:].-' <<<"$own_name"), not $NODE: nothing was changed on it" "kubectl get nodes -o wide shows the address of $NODE; find out who has set it, and set --node-ip of the kubelet on $NODE"
fi
if [ -n "$MACHINE_ID" ] && [ -s "$ROOT/etc/machine-id" ] && [ "$(cat "$ROOT/etc/machine-id")" != "$MACHINE_ID" ]; then
  fail 25 "this machine is not the one that reports as $NODE: its /etc/machine-id is another: nothing was changed on it" "when the machine-id was made anew, restart the kubelet on it; else find out which machine has the key of $NODE"
fi

# For scripts that look into the manifests of the static pods: stands in front of them.
# manifest_flag COMPONENT NAME: value of a flag in a static pod's manifest; empty without either.
manifest_flag() {
  if [ ! -f "$ROOT/etc/kubernetes/manifests/$1.yaml" ]; then return 0; fi
  awk -v prefix="--$2=" '{ sub(/^ *- +/, ""); gsub(/^["\047]|["\047] *$/, "") }
    !found && index($0, prefix) == 1 { print substr($0, length(prefix) + 1); found = 1 }' "$ROOT/etc/kubernetes/manifests/$1.yaml" 2>/dev/null || true
}

# What kubeadm would change in the static pod manifests (I18): each of them whole, as it is and as it would be. The answer is
# kept here for whoever compares after the upgrade; what is in use does not change.
TARGET='1.36.4'
# Empty, or where patches of kubeadm may lie on this node. `kubeadm upgrade diff` does not look at them.
PATCHES='/etc/kubernetes/patches'
# The cluster's, in one line; empty where etcd is none of kubeadm's.
ETCD_CONFIGURATION='{"apiVersion":"kubeadm.k8s.io/v1beta4","kind":"ClusterConfiguration"}'
stage="$ROOT/var/lib/nightlift/stage/$TARGET"
kubeadm="$stage/program/kubeadm"
if [ ! -x "$kubeadm" ]; then fail 16 "the packages of $TARGET are not staged on this node" "run stage.sh first"; fi
# Manifests are readable for root alone.
umask 077

# `kubeadm upgrade diff` does not show etcd. The upgrade writes its manifest by the same function as this phase of `init`, which with
# --dry-run asks nobody and writes into the given folder alone (seen in 1.35, 1.36 and 1.37); here the patches count.
init_config() {
  local api endpoint
  api="$(sed -n 's|^{"apiVersion":"\(kubeadm\.k8s\.io/[0-9a-z]*\)".*|\1|p' <<<"$ETCD_CONFIGURATION")"
  # Where kubeadm looks itself: 192.0.2.1:6443 or [2001:db8::1]:6443.
  endpoint="$(sed -n 's|^ *kubeadm\.kubernetes\.io/kube-apiserver\.advertise-address\.endpoint: *||p' "$ROOT/etc/kubernetes/manifests/kube-apiserver.yaml" | tr -d "\"'[]")"
  if [ -z "$endpoint" ]; then endpoint="$(manifest_flag kube-apiserver advertise-address):6443"; fi
  printf "apiVersion: %s\nkind: InitConfiguration\nnodeRegistration:\n  name: '%s'\n" "$api" "$NODE"
  printf "localAPIEndpoint:\n  advertiseAddress: '%s'\n" "${endpoint%:*}"
  if [ -n "$PATCHES" ] && [ -d "$ROOT$PATCHES" ]; then printf "patches:\n  directory: '%s'\n" "$ROOT$PATCHES"; fi
  printf -- '---\n%s\n' "$ETCD_CONFIGURATION"
}
etcd_diff() {
  local before="$ROOT/etc/kubernetes/manifests/etcd.yaml" work="$stage/etcd-diff" after="" code=0
  if [ -z "$ETCD_CONFIGURATION" ] || [ ! -f "$before" ]; then return 0; fi
  rm -rf "$work"
  mkdir "$work"
  init_config >"$work/config.yaml"
  KUBEADM_INIT_DRYRUN_DIR="$work" "$kubeadm" init phase etcd local --dry-run --config "$work/config.yaml" </dev/null >"$work/said" 2>&1 || code=$?
  if [ "$code" -eq 0 ]; then
    after="$(awk '/^\[dryrun\] Would write file ".*\/etcd\.yaml"/ { on = 1; next } /^\[/ { on = 0 } on' "$work/said")"
  fi
  if [ -n "$after" ]; then
    printf 'nightlift-etcd\t%s %s\n' "$(base64 -w 0 "$before")" "$(base64 -w 0 <<<"$after")"
  else
    printf 'nightlift-etcd-unknown\texit code %s: %s\n' "$code" "$(tail -n 5 "$work/said" | tr '\n\t' '  ')"
  fi
  rm -rf "$work"
}
{
  if [ -n "$PATCHES" ] && [ -d "$ROOT$PATCHES" ]; then
    for patch in "$ROOT$PATCHES"/*; do
      if [ -f "$patch" ]; then printf 'nightlift-patch\t%s\n' "$(basename "$patch")"; fi
    done
  fi
  etcd_diff
  "$kubeadm" upgrade diff "v$TARGET" --context-lines 100000 </dev/null
} >"$stage/diff.new"
mv "$stage/diff.new" "$stage/diff"
cat "$stage/diff"
