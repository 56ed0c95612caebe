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

# The manifests of the control plane as they were before the upgrade to TARGET and as they are, and what kubeadm had said that it
# would change, each in one line. Changes nothing. Read by parseManifestCopies (src/node/manifest-copies.ts).
TARGET='1.36.4'
stage="$ROOT/var/lib/nightlift/stage/$TARGET"
for component in etcd kube-apiserver kube-controller-manager kube-scheduler; do
  for when in before now; do
    case "$when" in before) file="$stage/manifests-before/$component.yaml" ;; now) file="$ROOT/etc/kubernetes/manifests/$component.yaml" ;; esac
    if [ -f "$file" ]; then printf 'nightlift-manifest\t%s %s %s\n' "$when" "$component" "$(base64 -w 0 "$file")"; fi
  done
done
if [ -f "$stage/diff" ]; then printf 'nightlift-promised\t%s\n' "$(base64 -w 0 "$stage/diff")"; fi
printf 'nightlift-manifests-end\tx\n'
