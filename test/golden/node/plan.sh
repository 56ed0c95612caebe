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

# `kubeadm upgrade plan` of the staged kubeadm. Always with the version: without one kubeadm asks the internet (D18, I16).
TARGET='1.36.4'
IGNORE='CoreDNSMigration'
kubeadm="$ROOT/var/lib/nightlift/stage/$TARGET/program/kubeadm"
if [ ! -x "$kubeadm" ]; then fail 16 "the packages of $TARGET are not staged on this node" "run stage.sh first"; fi
flags=()
if [ -n "$IGNORE" ]; then flags+=("--ignore-preflight-errors=$IGNORE"); fi
"$kubeadm" upgrade plan "v$TARGET" "${flags[@]}" </dev/null
