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

# For scripts that look into the manifests of the static pods: stands in front of them.
# manifest_flag COMPONENT NAME: value of a flag in a static pod's manifest; empty without either.
manifest_flag() {
  if [ ! -f "$ROOT/etc/kubernetes/manifests/$1.yaml" ]; then return 0; fi
  awk -v prefix="--$2=" '{ sub(/^ *- +/, ""); gsub(/^["\047]|["\047] *$/, "") }
    !found && index($0, prefix) == 1 { print substr($0, length(prefix) + 1); found = 1 }' "$ROOT/etc/kubernetes/manifests/$1.yaml" 2>/dev/null || true
}

# What is on this node, as lines of "key<TAB>value". Changes nothing. Read by parseNodeState (src/node/node-state.ts).
line() { printf '%s\t%s\n' "$1" "$2"; }
bytes_of() { if [ -e "$1" ]; then du -sk "$1" 2>/dev/null | awk '{ print $1 * 1024 }'; else printf '0\n'; fi; }

# shellcheck disable=SC2016 # dpkg-query expands these, not the shell
dpkg-query -W -f 'package.${Package}\t${Version} ${db:Status-Want} ${db:Status-Status}\n' \
  kubeadm kubelet kubectl containerd containerd.io 2>/dev/null || true
for manifest in "$ROOT"/etc/kubernetes/manifests/*.yaml; do
  if [ -f "$manifest" ]; then
    line "manifest.$(basename "$manifest" .yaml)" "$(awk '$1 == "image:" { gsub(/"/, "", $2); print $2; exit }' "$manifest")"
  fi
done
for file in "$ROOT"/etc/apt/sources.list "$ROOT"/etc/apt/sources.list.d/*.list "$ROOT"/etc/apt/sources.list.d/*.sources; do
  if [ -f "$file" ]; then
    awk -v file="${file#"$ROOT"}" '!/^[[:space:]]*#/ && /\/v[0-9]+\.[0-9]+\/deb/ { gsub(/:\/\/[^\/@ \t]+@/, "://***@"); print "source\t" file ": " $0 }' "$file"
  fi
done
df -P -B1 "$ROOT/etc" "$ROOT/var" | awk 'NR == 2 { print "free.root\t" $4 } NR == 3 { print "free.var\t" $4 }'
etcd="$(manifest_flag etcd data-dir)"
etcd="$ROOT${etcd:-/var/lib/etcd}"
if [ -d "$etcd" ]; then
  line free.etcd "$(free_bytes "$etcd")"
  line etcd.bytes "$(bytes_of "$etcd")"
fi
for stage in "$ROOT"/var/lib/nightlift/stage/*/; do
  version="$(basename "$stage")"
  if [ -f "$stage/staged" ]; then line staged "$version"; fi
  if [ -f "$stage/kubeadm-done" ]; then line kubeadm-done "$version"; fi
  if [ -d "$stage/before" ]; then line source-changed "$version"; fi
  if [ -f "$stage/images" ]; then awk -v version="$version" '{ print "image\t" version " " $1 }' "$stage/images"; fi
done
for unit in "$ROOT"/var/lib/nightlift/units/*/; do
  if [ -d "$unit" ]; then
    name="$(basename "$unit")"
    line "unit.$name" "$(systemctl show -p ActiveState --value "$name.service" 2>/dev/null || printf 'unknown')"
  fi
done
for backup in "$ROOT"/etc/kubernetes/tmp/kubeadm-backup-*; do
  if [ -e "$backup" ]; then line backup "${backup#"$ROOT"} $(bytes_of "$backup")"; fi
done
line kubelet "$(systemctl is-active kubelet 2>/dev/null || true)"
