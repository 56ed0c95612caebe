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

# After success, or an exit code that is an answer too: nothing stays behind but the log, of the last five commands.
UNIT='nightlift-master-1-36-4'
IDENTITY='aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
state="$ROOT/var/lib/nightlift"
directory="$state/units/$UNIT"
exec 9>"$state/units/.lock"
flock -w 60 9 || true
if [ "$(cat "$directory/identity" 2>/dev/null || true)" = "$IDENTITY" ] && [ -f "$directory/rc" ]; then
  printf '%s %s\n' "$IDENTITY" "$(cat "$directory/rc")" >"$state/log/$UNIT.rc"
  mv "$directory/log" "$state/log/$UNIT.log"
  rm -rf "$directory"
  systemctl reset-failed "$UNIT.service" 2>/dev/null || true
fi
find "$state/log" -name '*.log' -printf '%T@ %p\n' | sort -rn | tail -n +6 | while read -r _ old; do
  rm -f "$old" "${old%.log}.rc"
done
printf 'nightlift-unit\tcleaned\t\n'
