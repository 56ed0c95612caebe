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

# How a detached command stands, and its output from OFFSET on. Waits a while for something new.
# "nightlift-unit<TAB>running|finished|lost<TAB>detail", then the output in base64.
UNIT='nightlift-master-1-36-4'
IDENTITY='aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
OFFSET='0'
WAIT_SECONDS='10'

state="$ROOT/var/lib/nightlift"
directory="$state/units/$UNIT"
log="$directory/log"
size() { if [ -f "$log" ]; then wc -c <"$log"; else printf '0\n'; fi; }
until [ -f "$directory/rc" ] || [ ! -d "$directory" ] || [ "$(size)" -gt "$OFFSET" ] || [ "$SECONDS" -ge "$WAIT_SECONDS" ]; do
  sleep 0.25
done

# From here to the end nobody cleans up: another caller that follows the same command may be about to.
if [ -d "$state/units" ]; then
  exec 9>"$state/units/.lock"
  flock -s -w 60 9 || true
fi

status=running
detail=""
if [ "$(cat "$directory/identity" 2>/dev/null || true)" != "$IDENTITY" ]; then
  # Another caller that followed the same command has seen its end and cleaned up.
  log="$state/log/$UNIT.log"
  status=lost
  if [ -f "$state/log/$UNIT.rc" ]; then
    read -r of detail <"$state/log/$UNIT.rc"
    if [ "$of" = "$IDENTITY" ]; then status=finished; fi
  fi
elif [ -f "$directory/rc" ]; then
  status=finished
else
  case "$(systemctl show -p ActiveState --value "$UNIT.service")" in
    active | activating | deactivating | reloading) ;;
    # The end may have come between the two looks.
    *) if [ -f "$directory/rc" ]; then status=finished; else status=lost; fi ;;
  esac
fi
if [ "$status" = finished ] && [ -z "$detail" ]; then detail="$(cat "$directory/rc")"; fi
printf 'nightlift-unit\t%s\t%s\n' "$status" "$detail"
if [ -f "$log" ]; then
  { tail -c "+$((OFFSET + 1))" "$log" || true; } | head -c 262144 | base64 -w 0
fi
