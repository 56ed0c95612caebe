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

# Deletes copies that kubeadm left in /etc/kubernetes/tmp and that are older than DAYS (I17: 28 GB of them).
# Prints "pruned<TAB>path<TAB>bytes" for each.
DAYS='3'
for component in kube-apiserver kube-controller-manager kube-scheduler; do
  # A manifest that a killed kubeadm lost is in one of the copies and nowhere else.
  if [ -f "$ROOT/etc/kubernetes/admin.conf" ] && [ ! -f "$ROOT/etc/kubernetes/manifests/$component.yaml" ]; then
    say "the manifest of $component is missing, so every copy is kept"
    exit 0
  fi
done
if [ -d "$ROOT/etc/kubernetes/tmp" ]; then
  find "$ROOT/etc/kubernetes/tmp" -mindepth 1 -maxdepth 1 -name 'kubeadm-backup-*' -mmin "+$((DAYS * 1440))" -print0 |
    while IFS= read -r -d '' backup; do
      bytes="$(du -sk "$backup" | awk '{ print $1 * 1024 }')"
      rm -rf "$backup"
      printf 'pruned\t%s\t%s\n' "${backup#"$ROOT"}" "$bytes"
    done
fi
