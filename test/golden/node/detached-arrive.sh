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

# Starts a command as a transient unit, or finds the one that is there. The last line tells which:
# "nightlift-unit<TAB>started|attached|finished|busy<TAB>detail". Under a lock: of two callers one starts, the other attaches.
UNIT='nightlift-master-1-36-4'
IDENTITY='aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
SCRIPT_BASE64='dHJ1ZQo='
TIME_LIMIT='5400'

state="$ROOT/var/lib/nightlift"
directory="$state/units/$UNIT"
mkdir -p "$state/units" "$state/log" "$ROOT/tmp"
exec 9>"$state/units/.lock"
if ! flock -w 60 9; then fail 50 "another caller has held $state/units/.lock for a minute" "see which one: fuser $state/units/.lock"; fi

answer() { printf 'nightlift-unit\t%s\t%s\n' "$1" "$2"; }
keep_log() { if [ -f "$directory/log" ]; then mv "$directory/log" "$state/log/$UNIT.log"; fi; }

found=""
if [ -f "$directory/identity" ]; then found="$(cat "$directory/identity")"; fi
case "$(systemctl show -p ActiveState --value "$UNIT.service")" in
  active | activating | deactivating | reloading)
    if [ "$found" = "$IDENTITY" ]; then answer attached running; else answer busy "${found:-unknown}"; fi
    exit 0
    ;;
esac
detail=""
if [ -f "$directory/rc" ]; then
  rc="$(cat "$directory/rc")"
  if [ "$found" = "$IDENTITY" ] && [ "$rc" = "success exited 0" ]; then
    answer finished "$rc"
    exit 0
  fi
  detail="after an earlier run that ended with: $rc"
elif [ -n "$found" ]; then
  # The node was restarted, or systemd ended without its ExecStopPost.
  detail="after an earlier run that vanished without an exit code"
fi

keep_log
rm -rf "$directory" "$state/log/$UNIT.rc"
mkdir -p "$directory"
printf '%s' "$SCRIPT_BASE64" | base64 -d >"$directory/script"
# systemd runs this however the command ends, also when it is killed or over its time.
cat >"$directory/at-end" <<'END'
printf '%s %s %s\n' "$SERVICE_RESULT" "$EXIT_CODE" "$EXIT_STATUS" >"$1/rc.new" && mv "$1/rc.new" "$1/rc"
END
date -u +%Y-%m-%dT%H:%M:%SZ >"$directory/started"
: >"$directory/log"
printf '%s' "$IDENTITY" >"$directory/identity"
systemctl reset-failed "$UNIT.service" 2>/dev/null || true
if ! systemd-run --quiet "--unit=$UNIT" --service-type=exec \
  --setenv=HOME=/root "--setenv=PATH=$PATH" "--setenv=NIGHTLIFT_ROOT=$ROOT" \
  -p "StandardOutput=append:$directory/log" -p "StandardError=append:$directory/log" \
  -p "ExecStopPost=/bin/bash $directory/at-end $directory" \
  -p "RuntimeMaxSec=$TIME_LIMIT" -p TimeoutStopSec=60 \
  /bin/bash "$directory/script" 9>&-; then
  rm -rf "$directory"
  fail 51 "systemd-run could not start $UNIT" "read the line of systemd-run above; systemctl status $UNIT.service on this node"
fi
answer started "$detail"
